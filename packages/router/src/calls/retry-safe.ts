import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, Endpoint } from '@mcp-router/core'
import { requestBytes, resultOf, scanMessage, toolNameOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { endpointKey, mayTryElsewhere } from '@mcp-router/upstream'
import type { ToolList } from '@mcp-router/upstream'
import { askPooled, Refused } from '../bridge/ask-pooled.js'
import type { RouterDeps } from '../deps.js'
import type { Selector } from '../policy/selector.js'

type Json = Readonly<Record<string, unknown>>

/** KnownTools are the tools that servers have listed. */
export interface KnownTools {
  readonly deps: Pick<RouterDeps, 'catalog'>
}

/** Held is a Session here whose server can be asked, if it has an Upstream. */
interface Held {
  readonly endpoint: Endpoint
  readonly live?: { isReady(): boolean; ask(message: Message): Promise<Message> } | undefined
}

/** ToolSources are where tools that nobody has listed yet are looked up. */
export interface ToolSources {
  readonly deps: Pick<RouterDeps, 'catalog' | 'pool'>
  readonly sessions: { all(): Iterable<Held> }
  readonly selector: Pick<Selector, 'failed' | 'mayReturn'>
}

/** Requests that change nothing, or the same again. */
const methods: ReadonlySet<string> = new Set([
  'ping',
  'initialize',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
])

/**
 * isRetrySafe tells that a message may be executed twice: a read, what is no request, or a call of a tool that says so of itself (annotations). Once a call was lost,
 * a process may be started to ask for that, as repeating it needs one, too; `running`: not yet, for the call would wait for it.
 */
export const isRetrySafe = async (
  context: ToolSources,
  backend: Backend,
  message: Message,
  ask: 'any' | 'running' = 'any',
): Promise<boolean> => {
  const known = isKnownRetrySafe(context, backend, message)
  if (known !== undefined) return known
  return isSafeIn(await listedTools(context, backend, ask), message)
}

/**
 * listedTools waits for the tools of a Backend. A list that somebody else had under way may have failed with the very connection that the call
 * was lost with: that says nothing, and the Endpoints are asked.
 */
const listedTools = async (
  context: ToolSources,
  backend: Backend,
  ask: 'any' | 'running',
): Promise<ToolList> => {
  const { catalog } = context.deps
  let hasAsked = false
  const list = (cursor: string | undefined): Promise<Json> => {
    hasAsked = true
    return askAny(context, backend, cursor === undefined ? {} : { cursor }, ask)
  }
  return catalog.tools(backend, list).catch((error: unknown) => {
    if (hasAsked) throw error
    return catalog.tools(backend, list)
  })
}

/** A server that has just gone may be back in a moment; a call that nobody knows to be safe is not repeated. It is asked so often at least. */
const rounds = 3
const pauseMs = 300

/** A session that is busy may not answer, ms. */
const askMs = 2_000

/** askRunning lists the tools of an Endpoint; a process is never started for that: the call would wait for it, and some can run only once. */
export const askRunning = async (
  context: ToolSources,
  { backend, endpoint }: Place,
  params: Json,
): Promise<Json> => {
  if (endpoint.transport !== 'stdio' || context.deps.pool.find(endpoint))
    return askPooled(context.deps.pool, { backend, endpoint }, 'tools/list', params)
  const key = endpointKey(endpoint)
  for (const held of context.sessions.all()) {
    if (!held.live?.isReady() || endpointKey(held.endpoint) !== key) continue
    const request = requestBytes(`mcp-router-tools-${++own}`, 'tools/list', params)
    const answer = await soon(held.live.ask(scanMessage(request)))
    const result = answer && resultOf(answer)
    if (result) return result
  }
  throw new Error(`${endpoint.id} does not run`)
}

const soon = async <T>(answer: Promise<T>): Promise<T | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), askMs)
  })
  return Promise.race([answer.catch(() => undefined), late]).finally(() => clearTimeout(timer))
}

let own = 0

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** askAny lists the tools of the first Endpoint that answers. */
const askAny = async (
  context: ToolSources,
  backend: Backend,
  params: object,
  ask: 'any' | 'running',
): Promise<Json> => {
  let failure: unknown = new Error('there is no endpoint')
  const attempt = {}
  // A round may start a process of each command.
  const mayWait = ask === 'any' && backend.endpoints.some(({ transport }) => transport !== 'stdio')
  const mayAsk = async (round: number): Promise<boolean> => {
    if (round >= rounds) return mayWait && context.selector.mayReturn(backend, attempt)
    if (round > 0) await wait(pauseMs)
    return true
  }
  for (let round = 0; await mayAsk(round); round++) {
    for (const endpoint of backend.endpoints) {
      try {
        const place = { backend, endpoint }
        const mayOpen = ask === 'any' && (endpoint.transport !== 'stdio' || round < rounds)
        return await askRunning(context, place, { ...params }).catch((error: unknown) => {
          if (!mayOpen) throw error
          return askPooled(context.deps.pool, place, 'tools/list', { ...params })
        })
      } catch (error) {
        // It is there, and would say the same again.
        if (error instanceof Refused) throw error
        if (mayTryElsewhere(error)) context.selector.failed(endpoint)
        failure = error
      }
    }
  }
  throw failure
}

/** isKnownRetrySafe says so at once where that can be said without asking the server for its tools. */
export const isKnownRetrySafe = (
  { deps }: KnownTools,
  backend: Backend,
  message: Message,
): boolean | undefined => {
  // An answer or news that comes twice is heard once.
  if (message.kind !== 'request') return true
  if (methods.has(message.method) || backend.retry === 'always') return true
  if (message.method !== 'tools/call') return false
  const tools = deps.catalog.known(backend)
  return tools && isSafeIn(tools, message)
}

const isSafeIn = (tools: ToolList, message: Message): boolean => {
  const name = toolNameOf(message)
  return name !== undefined && tools.find(name)?.isRetrySafe === true
}
