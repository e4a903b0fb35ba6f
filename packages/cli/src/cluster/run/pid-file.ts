import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readText } from '@mcp-router/config'
import { birthOf } from '@mcp-router/upstream'
import type { RunFiles } from './run-files.js'

/**
 * Found is what a pid file leads to; `stale`: to a process that is gone, or to a stranger with its
 * number.
 */
export type Found =
  | { readonly kind: 'running'; readonly pid: number; readonly since: number }
  | { readonly kind: 'stale'; readonly pid: number }
  | { readonly kind: 'none' }

/**
 * find looks a process up by its pid file. Only a process that began when ours did counts as
 * running.
 */
export const find = (files: RunFiles, name: string): Found => {
  const pid = Number(textOf(files.pid(name)))
  if (!Number.isInteger(pid) || pid <= 0) return { kind: 'none' }
  const birth = textOf(files.birth(name))
  if (birth === undefined || birthOf(pid) !== birth) return { kind: 'stale', pid }
  return { kind: 'running', pid, since: Math.floor(statSync(files.birth(name)).mtimeMs) }
}

/** record writes the pid file of a process that was just started. */
export const record = (files: RunFiles, name: string, pid: number): void => {
  const birth = birthOf(pid)
  // Gone already: whoever waits for it hears of its end.
  if (birth === undefined) return
  writeFileSync(files.birth(name), birth)
  writeFileSync(files.pid(name), `${pid}\n`)
}

/** forget removes the pid file of a process that has ended. */
export const forget = (files: RunFiles, name: string): void => {
  rmSync(files.pid(name), { force: true })
  rmSync(files.birth(name), { force: true })
  rmSync(files.settings(name), { force: true })
}

/** isAnyRunning tells whether a process of the run directory runs. */
export const isAnyRunning = (files: RunFiles): boolean =>
  recorded(files).some((name) => find(files, name).kind === 'running')

/** recorded lists the names that have a pid file. */
export const recorded = (files: RunFiles): readonly string[] => {
  try {
    return readdirSync(files.pids)
      .filter((file) => file.endsWith('.pid'))
      .map((file) => file.slice(0, -'.pid'.length))
      .sort()
  } catch {
    return []
  }
}

const textOf = (path: string): string | undefined => {
  try {
    return readText(path).trim()
  } catch {
    return undefined
  }
}
