import { afterAll, beforeAll, describe, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { openFixtureServers } from './servers.js'
import type { FixtureServers } from './servers.js'
import { across } from './across.js'
import { failedChecks, tellFailures } from './results.js'
import { runSuite } from './suite.js'
import { warm } from './warm.js'

const runs = across.map((pair) => [pair.requirements, pair.kind, pair] as const)

describe('through the cluster, the fixture meets the requirements of', () => {
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

  it.for(runs)('%s, served as %s', async ([requirements, kind, pair], { expect }) => {
    if (requirements === '2026-07-28') await warm(cluster!, kind)
    const url = `${cluster!.gateway}/mcp/${kind}`
    const results = await runSuite({ url, version: '0.2', scope: { requirements } })
    const expected = Object.keys(pair.expectedFailures)
    expect([...failedChecks(results)].sort(), tellFailures(results)).toEqual(expected.sort())
    expect([...results.values()].filter(({ isScored }) => isScored)).toHaveLength(pair.scored)
  })
})
