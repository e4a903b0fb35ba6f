import { supervisorName } from '../supervise/supervisor.js'
import type { Served } from './served.js'
import { notLookedAt, outsideAddress, type Status } from './status.js'
import { clusterCommand } from '../../command-name.js'

/** missingLines name what does not run and nobody is about to start, and the command that starts it. */
export const missingLines = (statuses: readonly Status[], runDir: string): readonly string[] => {
  // What is meant may run in another one.
  if (statuses.every(({ pid }) => pid === null))
    return [`nothing is running in ${runDir} (MCP_RUN_DIR); ${start} starts it`]
  const missing = statuses.filter(isMissing).map((each) => each.process)
  return missing.length === 0 ? [] : [`not running: ${missing.join(', ')}; ${start} starts that`]
}

const start = `${clusterCommand} start`

const isMissing = (status: Status): boolean =>
  status.pid === null &&
  !status.healthy &&
  status.nextTryAt === null &&
  // The supervisor says so itself; the others are not ours to start.
  status.process !== supervisorName &&
  status.health !== notLookedAt &&
  status.address !== outsideAddress

/** mistakeLines are a mistake of the servers file as it is now, told apart from what the running Instances read before. */
export const mistakeLines = (mistake: string, served: Served | undefined): readonly string[] => {
  if (served === undefined) return [mistake]
  const names = [...served.names].join(', ') || 'none'
  return [
    `the running instances go on with the servers that they read before (${names}); the servers file as it is now has a mistake:`,
    mistake,
  ]
}
