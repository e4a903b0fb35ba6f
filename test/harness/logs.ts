import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** logTails is the last lines of every log in a run directory that has some, each under its name. */
export const logTails = (runDir: string, lines: number): string =>
  logsIn(runDir)
    .map((file) => ({ file, end: tail(join(runDir, 'logs', file), lines) }))
    .filter(({ end }) => end !== '')
    .map(({ file, end }) => `--- ${file}\n${end}`)
    .join('\n')

const logsIn = (runDir: string): readonly string[] => {
  try {
    return readdirSync(join(runDir, 'logs')).sort()
  } catch {
    return []
  }
}

const tail = (path: string, lines: number): string =>
  readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
