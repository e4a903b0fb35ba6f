import { randomUUID } from 'node:crypto'
import { processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import { ask, post } from '../harness/http.js'
import type { Answer } from '../harness/http.js'
import { modernToolCall } from '../harness/modern.js'
import { killMember, memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedgerEndpoint } from './ledger-endpoint.js'
import type { LedgerEndpoint } from './ledger-endpoint.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
let endpoint: LedgerEndpoint
beforeAll(async () => {
  endpoint = await openLedgerEndpoint(ledger, 'json')
})
afterAll(async () => {
  await endpoint.close()
  ledger.close()
})

// Round robin: a request that comes again comes to an instance that has not seen it.
const cluster = useCluster(() => ({
  servers: { local: ledger.entry, web: { url: endpoint.url } },
}))

const tools = ['read', 'put', 'append'] as const
type Tool = (typeof tools)[number]

afterEach(async () => {
  for (const name of tools) ledger.release(name)
  await cluster().restart()
  await membersAreBack(cluster())
})

/** Held is a call that runs at a server, which keeps it waiting. */
interface Held {
  readonly answer: Promise<Answer>
  /** The process that runs it. */
  readonly pid: number
}

const hold = async (tool: Tool, call: () => Promise<Answer>): Promise<Held> => {
  const before = ledger.runs(tool).length
  ledger.hold(tool)
  const answer = call()
  // Who waits for it looks at it later; until then a rejection is nobody's fault.
  answer.catch(() => undefined)
  const { pid } = await until(`${tool} to run`, () => ledger.runs(tool)[before])
  return { answer, pid }
}

const members = (): readonly Member[] => [0, 1, 2].map((at) => memberAt(cluster(), at))

/** callsAt counts the requests that an instance answers now; one that was killed answers none. */
const callsAt = async ({ url }: Member): Promise<number> => {
  const status = await ask(`${url}/api/status`).catch(() => undefined)
  return Number(status?.json().instance.calls ?? 0)
}

/** busy are the instances that a request is at, whether they run it or passed it on. */
const busy = async (): Promise<readonly Member[]> => {
  const all = members()
  const calls = await Promise.all(all.map(callsAt))
  return all.filter((_, at) => calls[at] !== 0)
}

/** runnerOf is the instance that a call is at: the parent of the server, or the only one that has a call under way. */
const runnerOf = async ({ pid }: Held): Promise<Member> =>
  until('who runs it', async () => {
    if (pid !== endpoint.pid())
      return members().find((member) => member.pid === processAt(pid)?.parent)
    const [runner, ...others] = await busy()
    return others.length === 0 ? runner : undefined
  })

/** expectUnknown wants the client to have been told all that is known of its call. */
const expectUnknown = ({ text }: Answer): void =>
  expect(JSON.parse(text)).toMatchObject({
    error: {
      code: -31001,
      data: {
        requestId: expect.stringMatching(/^[0-9a-f-]{32,36}$/),
        tool: 'append',
        sentAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        repeated: false,
      },
    },
  })

const gateway = (path: string): string => `${cluster().gateway}${path}`

/** Calling opens a conversation through Nginx and returns what makes a call in it. */
type Calling = () => Promise<(tool: Tool) => Promise<Answer>>

const inSession =
  (backend: string): Calling =>
  async () => {
    const client = await converse('http', { base: cluster().gateway, backend })
    return (tool) => client.send(toolCall('id', tool))
  }

const withoutSession =
  (backend: string): Calling =>
  () =>
    Promise.resolve((tool) => post(gateway(`/mcp/router/route/${backend}`), toolCall('id', tool)))

const modern =
  (backend: string): Calling =>
  () =>
    Promise.resolve((tool) => modernToolCall(gateway(`/mcp/${backend}`), { name: tool }))

// One rule decides on both tools that may run twice: each way shows it with one of them.
describe.each([
  ['without a session, at an http server', withoutSession('web'), 'read'],
  ['without a session, at a command', withoutSession('local'), 'put'],
  ['in a session at an http server', inSession('web'), 'put'],
  ['in a session at a command', inSession('local'), 'read'],
  ['of a modern client, at an http server', modern('web'), 'read'],
  ['of a modern client, at a command', modern('local'), 'put'],
] as const)('a call %s, whose instance is killed', (_, open, tool) => {
  it(`is repeated and answered (${tool})`, async () => {
    const call = await open()
    const before = ledger.runs(tool).length
    const held = await hold(tool, () => call(tool))
    await killMember(await runnerOf(held))
    await until('the second run', () => ledger.runs(tool).length > before + 1)
    ledger.release(tool)
    const { status, text } = await held.answer
    const ran = ledger.runs(tool).at(-1)?.pid
    expect([status, textOf(text)]).toEqual([200, String(ran)])
    expect(ledger.runs(tool)).toHaveLength(before + 2)
  })

  it('ran once, and is told as unknown at once, where it may not be repeated', async () => {
    const call = await open()
    const before = ledger.runs('append').length
    const held = await hold('append', () => call('append'))
    const runner = await runnerOf(held)
    const killed = performance.now()
    await killMember(runner)
    expectUnknown(await held.answer)
    expect(performance.now() - killed).toBeLessThan(5_000)
    ledger.release('append')
    // What came later than the answer would have come before this.
    expect((await call('append')).status).toBe(200)
    expect(ledger.runs('append')).toHaveLength(before + 2)
  })
})

describe('a call that one instance passed to another, when the one that passed it is killed', () => {
  /** openPassed holds a call at the first instance, the owner, that came by another one, which is `passing`. */
  const openPassed = async (tool: Tool) => {
    const { session } = await converse('http', { base: cluster().instances[0], backend: 'local' })
    const owner = await ownerOf(cluster(), session)
    const url = gateway('/mcp/local')
    const headers = { 'mcp-session-id': session }
    for (;;) {
      const call = (): Promise<Answer> => post(url, toolCall('id', tool), headers)
      const held = await hold(tool, call)
      const passing = (await busy()).find(({ pid }) => pid !== owner.pid)
      if (passing) return { held, owner, passing }
      ledger.release(tool)
      await held.answer
    }
  }

  it.each(['read', 'append'] as const)('is answered by the owner (%s)', async (tool) => {
    const { held, owner, passing } = await openPassed(tool)
    const before = ledger.runs(tool).length
    await killMember(passing)
    await until('it to come again', async () => (await callsAt(owner)) > 0)
    ledger.release(tool)
    const { status, text } = await held.answer
    expect([status, textOf(text)]).toEqual([200, String(held.pid)])
    if (tool === 'append') expect(ledger.runs(tool)).toHaveLength(before)
  })
})

describe('a request that comes to another instance under the same X-Request-Id', () => {
  const openTwice = async (isProxy = true) => {
    const { session } = await converse('http', { base: cluster().instances[0], backend: 'web' })
    const id = { 'mcp-session-id': session, 'x-request-id': randomUUID() }
    const named = { ...id, ...(isProxy && cluster().asProxy()) }
    const at = (n: 0 | 1 | 2, body: string): Promise<Answer> =>
      post(`${cluster().instances[n]}/mcp/web`, body, named)
    const before = ledger.runs('append').length
    const held = await hold('append', () => at(0, toolCall(1, 'append')))
    return { at, held, ran: () => ledger.runs('append').length - before }
  }

  it('does not run, as the first one is under way', async () => {
    const { at, held, ran } = await openTwice()
    expectUnknown(await at(1, toolCall(1, 'append')))
    expect(ran()).toBe(1)
    ledger.release('append')
    expect((await held.answer).status).toBe(200)
  })

  it('runs each time, where a client made that up', async () => {
    const { at, held, ran } = await openTwice(false)
    ledger.release('append')
    await held.answer
    for (const n of [0, 1] as const) {
      const again = await hold('append', () => at(n, toolCall(1, 'append')))
      ledger.release('append')
      expect(JSON.parse((await again.answer).text)).toHaveProperty('result')
    }
    expect(ran()).toBe(3)
  })

  it('runs, where it is another one', async () => {
    const { at, held, ran } = await openTwice()
    const other = at(1, toolCall(2, 'append'))
    await until('it to run', () => ran() === 2)
    ledger.release('append')
    expect((await Promise.all([held.answer, other])).map(({ status }) => status)).toEqual([
      200, 200,
    ])
  })
})
