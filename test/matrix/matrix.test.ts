import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { backendNames, openBackends } from './backends.js'
import type { MatrixBackends } from './backends.js'
import { clientNames, tryCell } from './cells.js'
import type { Failures } from './cells.js'
import { gapsOf } from './gaps.js'
import { readmeTable, writeReadmeTable } from './readme.js'
import { matrixTable } from './table.js'

const cells = clientNames.flatMap((client) =>
  backendNames.map((backend) => [client, backend] as const),
)

describe('every client with every server, through Nginx and three instances, round robin', () => {
  let backends: MatrixBackends | undefined
  let cluster: Cluster | undefined
  const outcome = new Map<string, Failures>()

  beforeAll(async () => {
    backends = await openBackends()
    cluster = await openCluster({ servers: backends.entries })
  })
  afterAll(async () => {
    await cluster?.close()
    await backends?.close()
  })

  describe('does all that can be done:', () => {
    it.concurrent.for(cells)('%s × %s', async ([client, backend], { expect }) => {
      const failures = await tryCell(client, cluster!.gateway, backend)
      outcome.set(`${client} ${backend}`, failures)
      const expected = gapsOf(client, backend).flatMap(({ features }) => features)
      const unexpected = [...failures].filter(([feature]) => !expected.includes(feature))
      const told = unexpected.map(([feature, how]) => `${feature}: ${how}`).join('\n')
      expect([...failures.keys()].sort(), told).toEqual(expected.sort())
    })
  })

  it('is told so in the README', () => {
    const table = matrixTable((client, backend) => [
      ...(outcome.get(`${client} ${backend}`)?.keys() ?? []),
    ])
    if (process.env['UPDATE_README'] !== undefined) writeReadmeTable(table)
    expect(readmeTable()).toBe(table)
  })
})
