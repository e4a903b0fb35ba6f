import { loadRunDir, type Env } from '@mcp-router/config'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../failure.js'
import { hasReader, say } from '../../terminal.js'
import { withInterrupt } from '../start/interrupt.js'
import { requireFolder } from '../run/run-files.js'
import { readFrom, sizeOf, tail } from './tail.js'

const lineCount = 50
const pollMs = 250

/**
 * logsCommand shows the end of the logs, of all processes or of the one at a port, and follows
 * them.
 */
export const logsCommand = async (
  env: Env,
  port: number | undefined,
  follow: boolean,
): Promise<void> => {
  requireFolder(env)
  const { runDir } = loadRunDir(env)
  const folder = join(runDir, 'logs')
  const logs = logsIn(folder).filter((log) => port === undefined || log.endsWith(`-${port}.log`))
  if (logs.length === 0)
    throw new Failure(`there are no logs${port ? ` of port ${port}` : ''} in ${folder}`)
  const shown = (log: string): string => (logs.length === 1 ? '' : `${log.replace('.log', '')} | `)
  const ends = new Map<string, number>()
  for (const log of logs) {
    const path = join(folder, log)
    ends.set(log, sizeOf(path))
    for (const line of tail(path, lineCount)) say(shown(log) + line)
  }
  if (!follow) return
  await withInterrupt(async (signal) => {
    while (!signal.aborted && hasReader()) {
      for (const log of logs) {
        const { text, end } = readFrom(join(folder, log), ends.get(log) ?? 0)
        // A line that is still being written waits for its end.
        const whole = text.slice(0, text.lastIndexOf('\n') + 1)
        ends.set(log, end - Buffer.byteLength(text) + Buffer.byteLength(whole))
        for (const line of whole.split('\n').slice(0, -1)) say(shown(log) + line)
      }
      await wait(pollMs, undefined, { signal }).catch(() => undefined)
    }
  })
}

/** logsIn are the names of the logs in a folder; none: there is no such folder. */
export const logsIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.log'))
      .sort()
  } catch {
    return []
  }
}
