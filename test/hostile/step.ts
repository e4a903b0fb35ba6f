import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import { markOf } from './server/asked.js'

/** clientKinds are the ways in which clients speak with the router. */
export const clientKinds = ['route', 'http', 'sse', 'modern'] as const
export type ClientKind = (typeof clientKinds)[number]

const servers = ['http', 'https', 'sse', 'sses', 'stdio', 'modern', 'moderns', 'pipe'] as const

/** Step is one odd answer: who asks whom for it, and how. */
export interface Step {
  readonly n: number
  readonly client: ClientKind
  readonly server: string
  /** `GET`: the standing stream of a session that is opened for it. */
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  /** Undefined: a notification, or no message at all. */
  readonly id: number | string | undefined
  /** The server is odd from its first answer on: what the router asks by itself is answered oddly. */
  readonly isFirst: boolean
}

const firstSteps = 1_000_000

/** firstStep is the step of the nth server that is odd from the start. */
export const firstStep = (n: number): number => firstSteps + n

/** stepAt plans one step of a run: the same for the same seed, whatever came before. `firsts` is how many servers are odd from the start. */
export const stepAt = (seed: number, n: number, firsts: number): Step => {
  const random = createRandom(seed ^ Math.imul(n, 0x85ebca6b))
  const client = random.pick(clientKinds)
  if (firsts > 0 && random.chance(0.06)) {
    const nth = random.below(firsts)
    const params = { name: 'look', arguments: { nonce: markOf(firstStep(nth)) } }
    const server = `first-${nth}`
    return { n: firstStep(nth), client, server, method: 'tools/call', params, id: n, isFirst: true }
  }
  const server = random.pick(servers)
  const { method, params } = asking(random, client, markOf(n))
  const isNotice = method === 'GET' || method.startsWith('notifications/')
  const id = isNotice ? undefined : random.chance(0.7) ? n : `"${n}é`
  return { n, client, server, method, params, id, isFirst: false }
}

type Asking = Pick<Step, 'method' | 'params'>

const asking = (random: Random, client: ClientKind, mark: string): Asking => {
  const _meta = random.chance(0.3) ? { progressToken: random.pick<unknown>([mark, 7]) } : {}
  const call = (name: string): Asking => ({
    method: 'tools/call',
    params: { name, arguments: { nonce: mark }, _meta },
  })
  const clientInfo = { name: mark, version: '1' }
  const opening = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  const everybody: readonly Asking[] = [
    { method: 'tools/list', params: { cursor: mark } },
    { method: 'resources/read', params: { uri: `odd://${mark}` } },
    { method: 'prompts/get', params: { name: 'one', arguments: { is: mark } } },
  ]
  const legacy: readonly Asking[] = [
    { method: 'ping', params: { _meta: { mark } } },
    { method: 'notifications/roots/list_changed', params: { _meta: { mark } } },
  ]
  const sessions: readonly Asking[] = [
    { method: 'initialize', params: opening },
    { method: 'GET', params: { ...opening, clientInfo: { name: `get ${mark}`, version: '1' } } },
  ]
  if (random.chance(0.55)) return call(random.pick(['look', 'act']))
  const others = [
    ...everybody,
    ...(client === 'http' || client === 'sse' ? legacy : []),
    ...(client === 'http' ? sessions : []),
  ]
  return random.pick([call('look'), ...others])
}
