import { loadClusterConfig, type Env } from '@mcp-router/config'
import { uptime } from '../seconds.js'
import { table } from '../table.js'
import { say } from '../terminal.js'
import { clusterOf } from './cluster.js'
import { statusOf, type Status } from './status.js'

/** statusCommand shows all processes and resolves true when every one of them is healthy. */
export const statusCommand = async (env: Env, json: boolean): Promise<boolean> => {
  const statuses = await statusOf(clusterOf(loadClusterConfig(env), env))
  const lines = json ? [JSON.stringify(statuses, undefined, 2)] : table(head, statuses.map(row))
  for (const line of lines) say(line)
  return statuses.every(({ healthy }) => healthy)
}

const head = ['process', 'pid', 'port', 'health', 'uptime', 'sessions']

const row = ({ process, pid, port, health, uptimeMs, sessions }: Status): readonly string[] => [
  process,
  ...[pid, port].map((value) => String(value ?? '-')),
  health,
  uptimeMs === null ? '-' : uptime(uptimeMs),
  String(sessions ?? '-'),
]
