import { readText } from '@mcp-router/config'
import { renameSync, writeFileSync } from 'node:fs'
import type { RunFiles } from '../run/run-files.js'
import type { Care } from './care.js'

/** SupervisorState is what the supervisor writes down, for `status` and for its successor. */
export interface SupervisorState {
  /** Of the supervisor that wrote it. */
  readonly pid: number
  readonly processes: Readonly<Record<string, Care>>
}

/** readState resolves what was written last; undefined: nothing, or nothing that can be read. */
export const readState = (files: RunFiles): SupervisorState | undefined => {
  try {
    // Written by writeState alone, in a folder of the owner.
    const state = JSON.parse(readText(files.supervisorState)) as SupervisorState
    return typeof state.processes === 'object' ? state : undefined
  } catch {
    return undefined
  }
}

/** writeState replaces the file at once, so that nobody reads half of it. */
export const writeState = (files: RunFiles, state: SupervisorState): void => {
  const draft = `${files.supervisorState}.${process.pid}`
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 })
  renameSync(draft, files.supervisorState)
}
