import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { post } from '../harness/http.js'
import { openMortalEndpoint } from '../harness/endpoint.js'
import type { MortalEndpoint } from '../harness/endpoint.js'
import { toolCall } from '../harness/rpc.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'

const endpoints: MortalEndpoint[] = []
beforeAll(async () => {
  for (let n = 0; n < 3; n++) endpoints.push(await openMortalEndpoint('http-stateful'))
})
afterAll(async () => {
  for (const endpoint of endpoints) await endpoint.close()
})

// Round robin: consecutive messages land on different instances.
const cluster = useCluster(() => {
  const [single, one, other] = endpoints
  return {
    servers: {
      single: { url: single!.url },
      pair: { endpoints: [{ url: one!.url }, { url: other!.url }] },
    },
  }
})

const ways = ['v1 http', 'v2 http'] as const
const watched = 'test://watched-resource'
const call = (client: SdkClient, name: string): Promise<unknown> =>
  client.callTool({ name, arguments: {} })
const toldOf = (client: SdkClient, method: string): number =>
  client.heard.notifications.filter((told) => (told as { method: string }).method === method).length

/** expectUpdate changes the watched resource, at the latest once the client's own stream is back, and hears of it there. */
const expectUpdate = async (client: SdkClient): Promise<void> => {
  const before = toldOf(client, 'notifications/resources/updated')
  await until('an update', async () => {
    await call(client, 'test_trigger_resource_change')
    return toldOf(client, 'notifications/resources/updated') > before
  })
}

/** expectNothingForgotten wants the level `error` to be in force, and the watched resource to be watched. */
const expectNothingForgotten = async (client: SdkClient): Promise<void> => {
  const before = toldOf(client, 'notifications/message')
  await call(client, 'test_logging_tool')
  expect(toldOf(client, 'notifications/message')).toBe(before)
  await expectUpdate(client)
}

const open = async (way: (typeof ways)[number], backend: string): Promise<SdkClient> => {
  const client = await connectThrough(way, cluster().gateway, backend)
  await client.setLevel('error')
  await client.subscribe(watched)
  await expectUpdate(client)
  return client
}

describe.each(ways)('a server that was started anew, and a session of %s', (way) => {
  it('go on together', async () => {
    const client = await open(way, 'single')
    for (let restart = 0; restart < 3; restart++) {
      await endpoints[0]!.kill()
      await endpoints[0]!.start()
      await call(client, 'test_simple_text')
      await expectNothingForgotten(client)
    }
    await client.close()
  })

  it('get one new session, whoever asks for it first', async () => {
    const client = await open(way, 'single')
    const headers = { 'mcp-session-id': client.session() }
    const key = `mcp:sessions:${client.session()}`
    await endpoints[0]!.kill()
    await endpoints[0]!.start()
    const before = await cluster().redis.hget(key, 'backendSessionId')
    const [first] = cluster().instances
    const calls = Array.from({ length: 10 }, (_, id) =>
      post(`${first}/mcp/single`, toolCall(`own-${id}`, 'test_simple_text'), headers),
    )
    for (const { status, text } of await Promise.all(calls))
      expect({ status, text }).toMatchObject({
        status: 200,
        text: expect.stringContaining('simple'),
      })
    const after = await cluster().redis.hget(key, 'backendSessionId')
    expect(after).not.toBe(before)
    for (const instance of cluster().instances) {
      const answer = await post(
        `${instance}/mcp/single`,
        toolCall('each', 'test_simple_text'),
        headers,
      )
      expect(answer.status).toBe(200)
    }
    expect(await cluster().redis.hget(key, 'backendSessionId')).toBe(after)
    await client.close()
  })
})

describe.each(ways)('a session of %s', (way) => {
  it('goes on at the other endpoint when the one that it was at is killed', async () => {
    const client = await open(way, 'pair')
    const at = (): Promise<string | null> =>
      cluster().redis.hget(`mcp:sessions:${client.session()}`, 'endpoint')
    const names = ['single#1', 'pair#1', 'pair#2']
    const first = await at()
    // Endpoints are named by their place in the servers file.
    const victim = endpoints[names.indexOf(String(first))]
    onTestFinished(() => victim!.start())
    await victim!.kill()
    for (let n = 0; n < 6; n++) await call(client, 'test_simple_text')
    expect(names).toContain(await at())
    expect(await at()).not.toBe(first)
    await expectNothingForgotten(client)
    await client.close()
  })
})
