import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ownCluster, type OwnCluster } from './own-cluster.js'
import { pidsOf, start } from './own-processes.js'

const env = { CLUSTER_SECRET: 'another-secret-of-a-test' }

let cluster: OwnCluster

beforeAll(async () => {
  cluster = await ownCluster()
  await start(cluster)
})
afterAll(() => cluster.close())

const ask = (body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${cluster.base}/mcp/example`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
  })

/** Opens a session; what it returns lists the tools in it. */
const openSession = async (): Promise<() => Promise<number>> => {
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  const { headers } = await ask({ id: 1, method: 'initialize', params })
  const session = { 'mcp-session-id': headers.get('mcp-session-id') ?? '' }
  await ask({ method: 'notifications/initialized' }, session)
  return async () => (await ask({ id: 2, method: 'tools/list' }, session)).status
}

it('an instance with another secret does not start beside those that live', async () => {
  const redis = `unix://${join(cluster.runDir, 'redis.sock')}`
  const { code, text } = await cluster.run(['serve', '--port', '0'], {
    env: { ...env, REDIS_URL: redis, INSTANCE_ID: 'second-1' },
    // Where it starts, it does not end by itself.
    signal: AbortSignal.timeout(15_000),
  })
  expect(text).toContain('another cluster secret is in use in this Redis by router-instance-1 at ')
  expect(text).toContain('give this one another Redis database (REDIS_URL)')
  expect(code).toBe(1)
  const status = (await (await fetch(`${cluster.base}/api/status`)).json()) as {
    instances: { id: string }[]
  }
  expect(status.instances.map(({ id }) => id)).toEqual(['router-instance-1', 'router-instance-2'])
  expect(JSON.stringify(status)).not.toContain('secretDigest')
})

it('restart with another secret restarts all instances together, and one alone not at all', async () => {
  const listTools = await openSession()
  expect(await listTools()).toBe(200)
  const before = pidsOf(cluster)
  const [port] = cluster.instancePorts
  const one = await cluster.run(['cluster', 'restart', String(port)], { env })
  expect(one.text).toContain('another CLUSTER_SECRET; nothing was changed')
  expect([one.code, pidsOf(cluster)]).toEqual([1, before])
  const all = await cluster.run(['cluster', 'restart'], { env })
  expect(all.text).toContain('CLUSTER_SECRET has changed: all instances are restarted together')
  expect(all.text).toContain('restarted 2 instances')
  expect([all.code, await listTools()]).toEqual([0, 200])
  const status = await cluster.run(['cluster', 'status'], { env })
  expect(status.code).toBe(0)
})
