import { loadClusterConfig, type Env } from '@mcp-router/config'
import { uptime } from '../seconds.js'
import { table } from '../table.js'
import { say } from '../terminal.js'
import { clusterOf } from './cluster.js'
import { leftOutLines } from './left-out.js'
import { statusOf, type Status } from './status.js'

/** statusCommand shows all processes and resolves true when every one of them is healthy. */
export const statusCommand = async (env: Env, json: boolean): Promise<boolean> => {
  const config = loadClusterConfig(env)
  const statuses = await statusOf(clusterOf(config, env))
  const rows = [...table(head, statuses.map(row)), ...leftOutLines(config)]
  const lines = json ? [JSON.stringify(statuses, undefined, 2)] : rows
  for (const line of lines) say(line)
  return statuses.every(({ healthy }) => healthy)
}

const head = ['process', 'pid', 'port', 'health', 'uptime', 'sessions', 'restarts', 'last exit']

const row = (status: Status): readonly string[] => [
  status.process,
  ...[status.pid, status.port].map((value) => String(value ?? '-')),
  status.health,
  status.uptimeMs === null ? '-' : uptime(status.uptimeMs),
  String(status.sessions ?? '-'),
  String(status.restarts),
  exit(status.lastExit),
]

const exit = (last: Status['lastExit']): string => {
  if (last === null) return '-'
  return last.how === null ? last.at : `${last.at} ${last.how}`
}
