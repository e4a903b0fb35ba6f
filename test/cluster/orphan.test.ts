import { until } from '@mcp-router/testkit/wait'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { epochOf, killMember, membersAreBack, ownerOf } from '../harness/owner.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectV1 } from '../harness/sdk/v1.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'
import { openResumeProxy } from './resume-proxy.js'
import type { ResumeProxy } from './resume-proxy.js'
import { resumeServer } from './resume-server.js'

const ledger = openLedger()
afterAll(() => ledger.close())
const cluster = useCluster({
  servers: {
    counting: { command: process.execPath, args: ['-e', resumeServer] },
    ledger: ledger.entry,
  },
})
afterEach(async () => {
  for (const name of ['read', 'append']) ledger.release(name)
  await cluster().restart()
  await membersAreBack(cluster())
})

interface Opened {
  readonly proxy: ResumeProxy
  readonly client: SdkClient
  /** The sessions that it was given, one for each stream that it opened. */
  readonly sessions: () => readonly string[]
  readonly initializes: () => number
  /** Calls and messages that were taken. */
  readonly accepted: () => number
}

/** What waited for its client in the test before must not look like what does in the next. */
let agents = 0
const anAgent = (): string => `stock-client/${++agents}`

/** open connects a stock client that gives no name to itself and is known by its User-Agent only. */
const open = async (backend: string, agent = anAgent()): Promise<Opened> => {
  const proxy = await openResumeProxy(cluster().gateway)
  const requestInit = { headers: { 'user-agent': agent } }
  const transport = new SSEClientTransport(new URL(`${proxy.url}/sse/${backend}`), { requestInit })
  const client = await connectV1(transport)
  return {
    proxy,
    client,
    sessions: () =>
      [...proxy.told().matchAll(/^data: \S+sessionId=(\S+)$/gm)].map(([, id]) => id ?? ''),
    initializes: () => proxy.asked().split('"method":"initialize"').length - 1,
    accepted: () => proxy.told().split('202 Accepted').length - 1,
  }
}

const call = (client: SdkClient, name: string, args = {}): Promise<unknown> =>
  client.callTool({ name, arguments: args })

/** noted calls a tool once more, and tells how often this process of the server heard of that. */
const noted = async (client: SdkClient): Promise<number> => {
  await call(client, 'note')
  const { content } = (await call(client, 'count', { of: 'note' })) as Counted
  return Number(content[0].text)
}
interface Counted {
  readonly content: readonly [{ readonly text: string }]
}

/** More than a client waits before it opens its stream again, and less than the lease of an instance that was killed (10 s). */
const soonMs = 8_000
const isBack = ({ sessions }: Opened, streams = 2): Promise<boolean> =>
  until('its return', () => sessions().length === streams, soonMs)

/** goesOn waits until a client that is back knows it, too: what it sends before that may be refused. */
const goesOn = async ({ client }: Opened): Promise<void> => {
  await until('its return to be known', async () => Array.isArray((await client.listTools()).tools))
}

describe('a client of 2024-11-05 that gives no name', () => {
  it('goes on with its session when its connection was cut', async () => {
    const opened = await open('counting')
    const { proxy, client, sessions, initializes } = opened
    const [session = ''] = sessions()
    expect(await noted(client)).toBe(1)
    proxy.cut()
    await isBack(opened)
    expect(await noted(client)).toBe(2)
    proxy.cut()
    await isBack(opened, 3)
    expect(await noted(client)).toBe(3)
    expect([...new Set(sessions()), initializes()]).toEqual([session, 1])
    expect(await epochOf(cluster(), session)).toBe(1)
    await client.close()
  })

  it.each(['counting', 'mcp-server-v6'])(
    'goes on with its session of %s when the instance that held it was killed',
    async (backend) => {
      const opened = await open(backend)
      const { client, sessions, initializes } = opened
      const [session = ''] = sessions()
      const tools = await client.listTools()
      const owner = await ownerOf(cluster(), session)
      await killMember(owner)
      await isBack(opened)
      expect(await client.listTools()).toEqual(tools)
      expect([...sessions(), initializes()]).toEqual([session, session, 1])
      expect((await ownerOf(cluster(), session)).id).not.toBe(owner.id)
      expect(await epochOf(cluster(), session)).toBe(2)
      await client.close()
    },
  )

  it('gets the answer that came while it was cut off', async () => {
    const opened = await open('counting')
    const { proxy, client, sessions, accepted } = opened
    const before = accepted()
    const answer = call(client, 'slow', { ms: 1_500 })
    await until('the call to be accepted', () => accepted() > before)
    proxy.cut()
    expect(await answer).toMatchObject({ content: [{ text: 'done' }] })
    expect(sessions()).toHaveLength(2)
    await client.close()
  })

  it('gets the answer of a call that may be repeated, when the instance was killed in the midst of it', async () => {
    const { client, sessions, accepted } = await open('ledger')
    await client.listTools()
    const before = accepted()
    ledger.hold('read')
    const ran = ledger.runs('read').length
    const answer = call(client, 'read')
    await until('the call to run', () => ledger.runs('read').length > ran && accepted() > before)
    await killMember(await ownerOf(cluster(), sessions()[0] ?? ''))
    ledger.release('read')
    const [lost, again] = [ledger.runs('read')[ran], await answer] as const
    expect(again).not.toMatchObject({ content: [{ text: String(lost?.pid) }] })
    expect(ledger.runs('read')).toHaveLength(ran + 2)
    await client.close()
  })

  it('is told that the outcome is not known of a call that may not, and it ran once', async () => {
    const { client, sessions, accepted } = await open('ledger')
    await client.listTools()
    const before = accepted()
    ledger.hold('append')
    const ran = ledger.runs('append').length
    const answer = call(client, 'append')
    answer.catch(() => undefined)
    await until('the call to run', () => ledger.runs('append').length > ran && accepted() > before)
    await killMember(await ownerOf(cluster(), sessions()[0] ?? ''))
    await expect(answer).rejects.toThrow(/Outcome unknown/)
    ledger.release('append')
    expect(ledger.runs('append')).toHaveLength(ran + 1)
    await call(client, 'append')
    expect(ledger.runs('append')).toHaveLength(ran + 2)
    await client.close()
  })
})

describe('two clients that look the same', () => {
  it('are told apart as long as only one has lost its stream', async () => {
    const agent = anAgent()
    const [one, other] = [await open('counting', agent), await open('counting', agent)]
    expect([await noted(one.client), await noted(one.client)]).toEqual([1, 2])
    expect(await noted(other.client)).toBe(1)
    one.proxy.cut()
    await isBack(one)
    expect(one.sessions()[1]).toBe(one.sessions()[0])
    expect([await noted(one.client), await noted(other.client)]).toEqual([3, 2])
    await one.client.close()
    await other.client.close()
  })

  it('both go on when both have, with nothing of each other', async () => {
    const agent = anAgent()
    const [one, other] = [await open('counting', agent), await open('counting', agent)]
    expect([await noted(one.client), await noted(one.client)]).toEqual([1, 2])
    expect(await noted(other.client)).toBe(1)
    one.proxy.cut()
    other.proxy.cut()
    await isBack(one)
    await isBack(other)
    await goesOn(one)
    await goesOn(other)
    expect(new Set(one.sessions()).size).toBe(1)
    expect(new Set(other.sessions()).size).toBe(1)
    expect([await noted(one.client), await noted(other.client)]).toEqual([3, 2])
    expect([one.initializes(), other.initializes()]).toEqual([1, 1])
    await one.client.close()
    await other.client.close()
  })

  it('both go on with a server that insists on a handshake', async () => {
    const agent = anAgent()
    const both = [await open('mcp-server-v6', agent), await open('mcp-server-v6', agent)]
    const tools = await both[0]?.client.listTools()
    for (const { proxy } of both) proxy.cut()
    for (const each of both) await isBack(each)
    for (const each of both) await goesOn(each)
    for (const { client } of both) expect(await client.listTools()).toEqual(tools)
    expect(new Set(both.flatMap(({ sessions }) => sessions())).size).toBe(2)
    for (const { client } of both) await client.close()
  })

  it('are told apart when one of them has just been started', async () => {
    const agent = anAgent()
    const one = await open('counting', agent)
    expect(await noted(one.client)).toBe(1)
    one.proxy.cut()
    const other = await open('counting', agent)
    expect(await noted(other.client)).toBe(1)
    await isBack(one)
    expect(await noted(one.client)).toBe(2)
    expect(new Set(other.sessions())).not.toContain(one.sessions()[0])
    await one.client.close()
    await other.client.close()
  })
})
