import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSentinel } from '../../packages/store/src/redis/deployment.contract.js'
import type { Deployment } from '../../packages/store/src/redis/deployment.contract.js'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { ask, post } from '../harness/http.js'
import { initialize, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { startLoad } from './steady-load.js'

let servers: FixtureServers | undefined
let deployment: Deployment | undefined
beforeAll(async () => {
  deployment = await startSentinel(1)
  servers = await openFixtureServers()
})
afterAll(async () => {
  await servers?.close()
  await deployment?.close()
})
const cluster = useCluster(() => ({
  servers: servers!.entries,
  env: { REDIS_URL: deployment!.url },
}))

it('a failover of Redis by its Sentinels under load costs no call and no session', async () => {
  const { gateway, instances } = cluster()
  const load = await startLoad(gateway)
  await load.goOn(5)
  await deployment!.masters[0]!.kill()
  await until(
    'the instances to miss it',
    async () => {
      const ready = await Promise.all(instances.map((instance) => ask(`${instance}/ready`)))
      return ready.some((each) => each.json().status === 'degraded')
    },
    20_000,
  )
  await load.goOn(10)
  await until(
    'the new master to take sessions',
    async () => (await post(`${gateway}/mcp/http-stateful`, initialize())).status === 200,
    30_000,
  )
  for (const instance of instances)
    await until('it to be ready', async () => {
      return (await ask(`${instance}/ready`)).json().status === 'ready'
    })
  await load.goOn(10)
  for (const { id, backend } of load.sessions)
    for (const instance of instances) {
      const url = `${instance}/mcp/${backend}`
      const answer = await post(url, toolCall('after', 'test_simple_text'), {
        'mcp-session-id': id,
      })
      expect(answer.status, `${backend}: ${answer.text}`).toBe(200)
    }
  expect(load.failures()).toEqual([])
  expect(cluster().logs(100_000)).not.toMatch(/unhandled/i)
  await load.stop()
})
