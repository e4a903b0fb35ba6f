import type { Env } from '@mcp-router/config'
import { uptime } from '../../seconds.js'
import { table } from '../../table.js'
import { warnMisspelt } from '../../misspelt.js'
import { complain, say } from '../../terminal.js'
import { asRunning } from './as-running.js'
import { clusterOf } from '../cluster.js'
import { statusLines } from '../restart/left-out.js'
import { loadCluster } from '../load-cluster.js'
import { requireFolder } from '../run/run-files.js'
import { askServed } from './served.js'
import { missingLines, mistakeLines } from './status-notes.js'
import { statusOf, type Status } from './status.js'

/**
 * statusCommand shows all processes and resolves true when every one of them is healthy. A broken
 * servers file hides none of them, and is a mistake below them.
 */
export const statusCommand = async (given: Env, json: boolean): Promise<boolean> => {
  requireFolder(given)
  const env = asRunning(given)
  const { config, mistake } = loadCluster(env)
  warnMisspelt(given, config.serversFile)
  const cluster = clusterOf(config, env)
  const served = await askServed(cluster)
  // What this shell cannot start, the Instances may serve: its process is no left-over then.
  const isOwnRight = !config.invalid.some(({ name }) => served?.names.has(name))
  const statuses = await statusOf(cluster, mistake === undefined && isOwnRight)
  const rows = [...table(head, statuses.map(row)), ...statusLines(cluster, served)]
  const lines = json ? [JSON.stringify(statuses, undefined, 2)] : rows
  for (const line of lines) say(line)
  if (!json) for (const line of missingLines(statuses, config.runDir)) say(line)
  // What is read by a program stays JSON.
  const mistakes = mistake === undefined ? [] : mistakeLines(mistake, served)
  for (const line of mistakes) (json ? complain : say)(line)
  return mistake === undefined && statuses.every(({ healthy }) => healthy)
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
