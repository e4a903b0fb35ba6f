import { inherited, run } from '@mcp-router/testkit/process'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import type { Cluster } from '../harness/cluster.js'
import { memberAt, membersAreBack } from '../harness/owner.js'
import { cli } from '../harness/paths.js'
import { useCluster } from '../harness/use-cluster.js'
import { startLoad } from './steady-load.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())

const cluster = useCluster(() => ({ servers: servers!.entries }))
afterEach(() => membersAreBack(cluster()))

/** restart is what `scripts/start-instances.sh restart` runs once everything is built. */
const restart = async ({ instances, gateway, runDir, serversFile }: Cluster): Promise<string> => {
  const restarting = run([cli, 'cluster', 'restart'], {
    ...inherited(),
    MCP_RUN_DIR: runDir,
    MCP_SERVERS_FILE: serversFile,
    ROUTER_BASE_PORT: new URL(instances[0]).port,
    GATEWAY_PORT: new URL(gateway).port,
    MCP_AFFINITY: 'round_robin',
    MCP_DRAIN_MS: '5000',
  })
  const code = await restarting.ended
  return `${code} ${restarting.output()}`
}

const pids = (): readonly number[] => [0, 1, 2].map((at) => memberAt(cluster(), at).pid)

it('a rolling restart of all instances under load costs no call and no session', async () => {
  const load = await startLoad(cluster().gateway)
  await load.goOn(5)
  const before = pids()
  expect(await restart(cluster())).toMatch(/^0 [^]*restarted 3 instances/)
  await load.goOn(10)
  expect(load.failures()).toEqual([])
  expect(pids().filter((pid) => before.includes(pid))).toEqual([])
  await load.stop()
})
