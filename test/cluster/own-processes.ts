import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { OwnCluster } from './own-cluster.js'

/** start starts the cluster of a test, which must succeed. */
export const start = async (cluster: OwnCluster): Promise<void> => {
  const { code, text } = await cluster.run(['cluster', 'start'])
  expect(text).toContain('To try it:')
  expect(code).toBe(0)
}

/** namesOf are the processes of a cluster, in the order of `status`. */
export const namesOf = (cluster: OwnCluster): readonly string[] => [
  'redis',
  `backend-${cluster.backendPort}`,
  ...cluster.instancePorts.map((port) => `router-${port}`),
  'nginx',
]

export const pidsOf = (cluster: OwnCluster): readonly number[] =>
  namesOf(cluster).map((name) => cluster.pidOf(name))

/** pidFilesOf are the files that are there, none before the first start. */
export const pidFilesOf = (cluster: OwnCluster): readonly string[] => {
  const folder = join(cluster.runDir, 'pids')
  return existsSync(folder) ? readdirSync(folder) : []
}

/**
 * isAlive does not ask by signal 0: in a container whose first process does not reap, who has ended
 * stays a zombie.
 */
export const isAlive = (pid: number): boolean =>
  /^[^ZX]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout)
