import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { processAt } from '@mcp-router/testkit/process'
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

/** isAlive tells whether somebody has this pid who is no zombie. */
export const isAlive = (pid: number): boolean => processAt(pid) !== undefined
