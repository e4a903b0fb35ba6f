import { afterAll, beforeAll, describe, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { expectScore } from './score.js'
import { rows, told } from './rows.js'
import { openFixtureServers } from './servers.js'
import type { FixtureServers } from './servers.js'
import { runSuite } from './suite.js'

describe('the conformance fixture behind Nginx and three instances, round robin, scores as it does directly', () => {
  let servers: FixtureServers | undefined
  let cluster: Cluster | undefined

  beforeAll(async () => {
    servers = await openFixtureServers()
    cluster = await openCluster({ servers: servers.entries })
  })
  afterAll(async () => {
    await cluster?.close()
    await servers?.close()
  })

  it.each(rows.map((row) => [told(row), row] as const))('%s', async (_, row) => {
    const { kind, version, scope } = row
    const url = `${cluster!.gateway}/mcp/${kind}`
    expectScore(await runSuite({ url, version, scope }), { ...row, ...row.routed })
  })
})
