import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { killProcess } from '../harness/owner.js'
import { textOf } from '../harness/rpc.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { until } from '../harness/until.js'
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
  servers: { endpoint: endpoint.entry, command: command.entry },
}))

const toolsOf = async (client: SdkClient): Promise<readonly string[]> =>
  (await client.listTools()).tools.map(({ name }) => name)

const news = (client: SdkClient): number =>
  client.heard.notifications.filter(
    (told) => (told as { method: string }).method === 'notifications/tools/list_changed',
  ).length

const pidOf = async (client: SdkClient): Promise<number> => {
  const result = await client.callTool({ name: 'pid', arguments: {} })
  return Number(textOf(JSON.stringify({ jsonrpc: '2.0', id: 1, result })))
}

/** Long enough for what a server lists to be looked at, and told. */
const limitMs = 30_000

describe.each(['v1 http', 'v2 http'] as const)('a client (%s) of an http server', (way) => {
  it('hears of its tools when it came back with others, and only then', async () => {
    endpoint.next('one')
    await endpoint.restart()
    const client = await connectThrough(way, cluster().gateway, 'endpoint')
    const before = endpoint.listedIn()
    // Each instance looks by itself, in a session of its own.
    await until('all instances to know', async () => {
      expect(await toolsOf(client)).toEqual(['pid', 'one'])
      await pidOf(client)
      return endpoint.listedIn() > before + 3
    })
    await endpoint.restart()
    const pid = await pidOf(client)
    await until('a look', () => endpoint.listed(pid) > 0, limitMs)
    await pidOf(client)
    expect(news(client)).toBe(0)
    endpoint.next('one', 'two')
    await endpoint.restart()
    await until('the news', () => news(client) > 0, limitMs)
    expect(await toolsOf(client)).toEqual(['pid', 'one', 'two'])
    await client.close()
  })
})

describe.each(['v1 http', 'v2 http', 'v1 sse'] as const)('a client (%s) of a command', (way) => {
  it('hears of its tools when it was started anew with others, and only then', async () => {
    command.next('one')
    const client = await connectThrough(way, cluster().gateway, 'command')
    expect(await toolsOf(client)).toEqual(['pid', 'one'])
    let pid = await pidOf(client)
    await until('the first look', () => command.listed(pid) > 1, limitMs)
    const restart = async (): Promise<void> => {
      const ended = pid
      await killProcess(ended)
      await until('another child', async () => (pid = await pidOf(client)) !== ended, limitMs)
      await until('a look', () => command.listed(pid) > 0, limitMs)
    }
    await restart()
    await pidOf(client)
    expect(news(client)).toBe(0)
    command.next('one', 'two')
    await restart()
    await until('the news', () => news(client) > 0, limitMs)
    expect(await toolsOf(client)).toEqual(['pid', 'one', 'two'])
    await client.close()
  })
})
