import { loadClusterConfig, type Env } from '@mcp-router/config'
import { clusterOf } from '../cluster.js'
import { withInterrupt } from '../start/interrupt.js'
import { supervise } from './supervise.js'

/** superviseCommand is the supervisor process; `start` and `restart` run it, no person does. */
export const superviseCommand = async (env: Env): Promise<void> => {
  // The end of a terminal is no business of a process that is to outlive it.
  process.on('SIGHUP', () => undefined)
  const cluster = clusterOf(loadClusterConfig(env), env)
  await withInterrupt((signal) => supervise(cluster, signal))
}
