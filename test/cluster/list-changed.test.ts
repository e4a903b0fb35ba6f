import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { killMember, killProcess, membersAreBack, ownerOf } from '../harness/owner.js'
import { textOf } from '../harness/rpc.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { changingCommand, openChangingEndpoint } from './changing-server.js'
import type { ChangingEndpoint } from './changing-server.js'

let endpoint: ChangingEndpoint
const command = changingCommand()
beforeAll(async () => {
  endpoint = await openChangingEndpoint()
})
afterAll(() => {
  endpoint.close()
  command.close()
})

// Round robin: a client's stream comes back at another instance.
const cluster = useCluster(() => ({
  servers: { endpoint: endpoint.entry, sse: endpoint.sseEntry, command: command.entry },
}))

const toolsOf = async (client: SdkClient): Promise<readonly string[]> =>
  (await client.listTools()).tools.map(({ name }) => name)

/** The lists of which the client was told that they have changed. The server advertises its tools only. */
const changes = (client: SdkClient): readonly string[] =>
  client.heard.notifications
    .map((told) => (told as { method: string }).method)
    .filter((method) => method.endsWith('/list_changed'))
const change = 'notifications/tools/list_changed'

const pidOf = async (client: SdkClient): Promise<number> => {
  const result = await client.callTool({ name: 'pid', arguments: {} })
  return Number(textOf(JSON.stringify({ jsonrpc: '2.0', id: 1, result })))
}

const recordPrefix = 'mcp:sessions:'

/** connect opens a session; clients of HTTP+SSE keep its id to themselves. */
const connect = async (way: (typeof ways)[number], backend: string) => {
  const { redis, gateway } = cluster()
  const before = await redis.keys(`${recordPrefix}*`)
  const client = await connectThrough(way, gateway, backend)
  const records = await redis.keys(`${recordPrefix}*`)
  const record = records.find((key) => !before.includes(key)) ?? ''
  return { client, session: record.slice(recordPrefix.length) }
}

/** killOwner ends the instance that owns the session. */
const killOwner = async (session: string): Promise<unknown> =>
  killMember(await ownerOf(cluster(), session))

const restoreCluster = async (): Promise<void> => {
  await cluster().restart()
  await membersAreBack(cluster())
}

/** Long enough for a client's stream to be opened again. */
const limitMs = 30_000
const ways = ['v1 http', 'v2 http', 'v1 sse'] as const

describe.each(['endpoint', 'sse'] as const)('a server at a port (%s)', (name) => {
  it.each(ways)('that was restarted is said to list other tools (%s)', async (way) => {
    endpoint.next('one')
    await endpoint.restart()
    const client = await connectThrough(way, cluster().gateway, name)
    expect(await toolsOf(client)).toEqual(['pid', 'one'])
    const first = await pidOf(client)
    expect(changes(client)).toEqual([])
    endpoint.next('one', 'two')
    await endpoint.restart()
    expect(await pidOf(client)).not.toBe(first)
    await until('the notification', () => changes(client).length > 0, limitMs)
    expect(await toolsOf(client)).toEqual(['pid', 'one', 'two'])
    expect(changes(client)).toEqual([change])
    await client.close()
  })
})

describe.each(ways)('a client (%s) of a command', (way) => {
  it('is told of its tools once for each process that takes the place of another', async () => {
    command.next('one')
    const client = await connectThrough(way, cluster().gateway, 'command')
    expect(await toolsOf(client)).toEqual(['pid', 'one'])
    let pid = await pidOf(client)
    expect(changes(client)).toEqual([])
    for (const expected of [[change], [change, change]]) {
      command.next('one', `after-${pid}`)
      const ended = pid
      await killProcess(ended)
      await until('another child', async () => (pid = await pidOf(client)) !== ended, limitMs)
      await until('the notification', () => changes(client).length >= expected.length, limitMs)
      expect(await toolsOf(client)).toEqual(['pid', 'one', `after-${ended}`])
      expect(changes(client)).toEqual(expected)
    }
    await client.close()
  })

  it('is told of them when its instance is gone', async () => {
    const { client, session } = await connect(way, 'command')
    const first = await pidOf(client)
    await killOwner(session)
    await until('another child', async () => (await pidOf(client)) !== first, limitMs)
    await until('the notification', () => changes(client).length > 0, limitMs)
    await pidOf(client)
    expect(changes(client)).toEqual([change])
    await client.close()
    await restoreCluster()
  })
})

it('a client whose session at its server goes on without its instance is told of no change', async () => {
  const { client, session } = await connect('v1 sse', 'endpoint')
  const pid = await pidOf(client)
  await killOwner(session)
  await until('the next instance', async () => (await pidOf(client)) === pid, limitMs)
  expect(changes(client)).toEqual([])
  await client.close()
  await restoreCluster()
})
