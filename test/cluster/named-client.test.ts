import { until } from '@mcp-router/testkit/wait'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterEach, describe, expect, it } from 'vitest'
import { epochOf, killMember, membersAreBack, ownerOf } from '../harness/owner.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectV1 } from '../harness/sdk/v1.js'
import { useCluster } from '../harness/use-cluster.js'
import { openResumeProxy } from './resume-proxy.js'
import type { ResumeProxy } from './resume-proxy.js'
import { resumeServer } from './resume-server.js'

const cluster = useCluster({
  servers: { named: { command: process.execPath, args: ['-e', resumeServer] } },
})
afterEach(async () => {
  await cluster().restart()
  await membersAreBack(cluster())
})

interface Opened {
  readonly proxy: ResumeProxy
  readonly client: SdkClient
  /** The sessions that it was given, one for each stream that it opened. */
  readonly sessions: () => readonly string[]
  readonly initializes: () => number
}

const open = async (query: string): Promise<Opened> => {
  const proxy = await openResumeProxy(cluster().gateway)
  const url = new URL(`${proxy.url}/sse/named${query}`)
  const client = await connectV1(new SSEClientTransport(url))
  return {
    proxy,
    client,
    sessions: () =>
      [...proxy.told().matchAll(/^data: \S+sessionId=(\S+)$/gm)].map(([, id]) => id ?? ''),
    initializes: () => proxy.asked().split('"method":"initialize"').length - 1,
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

/** More than a client waits before it opens its stream again, and less than it waits for an answer. */
const soonMs = 15_000

describe('a client of 2024-11-05 that names itself', () => {
  it('finds its session again when the instance that held it was killed', async () => {
    const { client, sessions, initializes } = await open('?clientId=ada-1')
    const [session = ''] = sessions()
    expect(await noted(client)).toBe(1)
    const owner = await ownerOf(cluster(), session)
    await killMember(owner)
    await until('its return', () => sessions().length === 2, soonMs)
    // Another process.
    expect(await noted(client)).toBe(1)
    expect(sessions()).toEqual([session, session])
    expect(initializes()).toBe(1)
    expect((await ownerOf(cluster(), session)).id).not.toBe(owner.id)
    expect(await epochOf(cluster(), session)).toBe(2)
    await client.close()
  })

  it('finds its session again when its connection was cut', async () => {
    const { proxy, client, sessions, initializes } = await open('?clientId=ada-2')
    const [session = ''] = sessions()
    expect(await noted(client)).toBe(1)
    proxy.cut()
    await until('its return', () => sessions().length === 2, soonMs)
    expect(await noted(client)).toBe(2)
    expect(sessions()).toEqual([session, session])
    expect(initializes()).toBe(1)
    expect(await epochOf(cluster(), session)).toBe(1)
    await client.close()
  })

  it('gets the answer that came while it was cut off', async () => {
    const { proxy, client, sessions } = await open('?clientId=ada-3')
    const answer = call(client, 'slow', { ms: 1_000 })
    await until('the call to be taken', () => proxy.asked().includes('"slow"'))
    await until('the call to be accepted', () => /202 Accepted/.test(last(proxy.told())))
    proxy.cut()
    expect(await answer).toMatchObject({ content: [{ text: 'done' }] })
    expect(sessions()).toHaveLength(2)
    await client.close()
  })

  it('begins a new conversation when its process is started again', async () => {
    const first = await open('?clientId=ada-4')
    expect([await noted(first.client), await noted(first.client)]).toEqual([1, 2])
    const lost = call(first.client, 'slow', { ms: 600 })
    lost.catch(() => undefined)
    await until('the call to be accepted', () => /202 Accepted/.test(last(first.proxy.told())))
    await first.client.close()
    const second = await open('?clientId=ada-4')
    expect(second.sessions()).not.toEqual(first.sessions())
    // Its ids are those that the first one used.
    expect([await noted(second.client), await noted(second.client)]).toEqual([1, 2])
    await second.client.close()
  })

  it('has a session for each of two windows that give the same name', async () => {
    const both = [await open('?clientId=ada-5'), await open('?clientId=ada-5')]
    const counts = await Promise.all(
      both.map(async ({ client }) => [await noted(client), await noted(client)]),
    )
    expect(counts).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(both.map(({ sessions }) => sessions().length)).toEqual([1, 1])
    for (const { client } of both) await client.close()
  })

  it('is nobody else', async () => {
    const [one, other] = [await open('?clientId=eve-1'), await open('?clientId=eve-2')]
    expect(one.sessions()).not.toEqual(other.sessions())
    await one.client.close()
    await other.client.close()
  })
})

const last = (told: string): string => told.slice(-500)
