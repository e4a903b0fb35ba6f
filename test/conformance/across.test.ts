import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { openFixtureServers } from './servers.js'
import type { FixtureServers } from './servers.js'
import { across } from './across.js'
import type { Across } from './across.js'
import { failedChecks, tellFailures } from './results.js'
import { runSuite } from './suite.js'
import { warm } from './warm.js'

const runs = across.map((pair) => [pair.requirements, pair.kind, pair] as const)
const isModern = ([requirements]: (typeof runs)[number]): boolean => requirements === '2026-07-28'

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

  const expectScored = async ({ requirements, kind, ...pair }: Across): Promise<void> => {
    const url = `${cluster!.gateway}/mcp/${kind}`
    const results = await runSuite({ url, version: '0.2', scope: { requirements } })
    const expected = Object.keys(pair.expectedFailures)
    expect([...failedChecks(results)].sort(), tellFailures(results)).toEqual(expected.sort())
    expect([...results.values()].filter(({ isScored }) => isScored)).toHaveLength(pair.scored)
  }

  it.each(runs.filter(isModern))('%s, served as %s', async (_, kind, pair) => {
    await warm(cluster!, kind)
    await expectScored(pair)
  })

  // At once: of this revision, the suite gives an answer two seconds and more.
  it.concurrent.each(runs.filter((each) => !isModern(each)))('%s, served as %s', (_, __, pair) =>
    expectScored(pair),
  )
})
