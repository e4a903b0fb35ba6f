import { afterAll, beforeAll, describe, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { openConformanceFixture } from './fixture.js'
import type { ConformanceFixture, ListeningKind } from './fixture.js'
import { expectScore } from './score.js'
import { rows, told } from './rows.js'
import { runSuite } from './suite.js'

const kinds: readonly ListeningKind[] = [
  'http-stateful',
  'http-stateless',
  'http-modern',
  'http-dual',
]

describe('the conformance fixture behind Nginx and three instances, round robin, scores as it does directly', () => {
  const fixtures: ConformanceFixture[] = []
  let cluster: Cluster | undefined

  beforeAll(async () => {
    const opened = await Promise.all(kinds.map((kind) => openConformanceFixture(kind)))
    fixtures.push(...opened)
    const entries = kinds.map((kind, at) => [kind, { url: opened[at]!.url }] as const)
    cluster = await openCluster({ servers: Object.fromEntries(entries) })
  })
  afterAll(async () => {
    await cluster?.close()
    await Promise.all(fixtures.map((fixture) => fixture.close()))
  })

  it.each(rows.map((row) => [told(row), row] as const))('%s', async (_, row) => {
    const { kind, version, scope } = row
    const url = `${cluster!.gateway}/mcp/${kind}`
    expectScore(await runSuite({ url, version, scope }), { ...row, ...row.routed })
  })
})
