import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { openCluster } from './cluster.js'
import type { Cluster, ClusterOptions } from './cluster.js'

/**
 * useCluster gives the tests of a file, or of a describe, one cluster: opened before the first, closed after the last, its logs shown
 * when one fails, and copied whole below the directory MCP_TEST_KEEP where that is set. `options` may be a function, for what is known only when the tests run.
 */
export const useCluster = (
  options: ClusterOptions | (() => ClusterOptions) = {},
): (() => Cluster) => {
  let opening: Promise<Cluster> | undefined
  let cluster: Cluster | undefined
  const opened = (): Cluster => {
    if (!cluster) throw new Error('the cluster is not open')
    return cluster
  }
  beforeAll(async () => {
    opening = openCluster(typeof options === 'function' ? options() : options)
    cluster = await opening
  })
  afterEach(({ task }) => {
    if (!cluster || task.result?.state !== 'fail') return
    process.stderr.write(`\n${cluster.logs(8)}\n`)
    const kept = process.env['MCP_TEST_KEEP']
    if (kept) keepLogs(cluster.runDir, join(kept, `${process.pid}-${Date.now()}`))
  })
  // Awaited, because a start that took too long for its hook may still come to an end.
  afterAll(async () => (await opening?.catch(() => undefined))?.close())
  return opened
}

const keepLogs = (runDir: string, to: string): void =>
  cpSync(runDir, to, {
    recursive: true,
    filter: (from) => from === runDir || /logs|[.]log$/.test(from),
  })
