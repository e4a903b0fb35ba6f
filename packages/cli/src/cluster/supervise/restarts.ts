import type { RunFiles } from '../run/run-files.js'
import { readState } from './state.js'
import { hasSupervisor } from './supervisor.js'

/** Restarts is what `cluster status` shows of what the supervisor did for one process. */
export interface Restarts {
  /** Since the operator started the cluster. */
  readonly restarts: number
  /** The last exit that nobody asked for; `how` is null where its exit status is unknown. */
  readonly lastExit: { readonly at: string; readonly how: string | null } | null
  /** When it is restarted; null: it runs, or nobody restarts it. */
  readonly nextTryAt: string | null
}

/** restartsIn reads what the supervisor of a run directory wrote, by the name of the process. */
export const restartsIn = (files: RunFiles): ((name: string) => Restarts) => {
  const processes = readState(files)?.processes ?? {}
  const isSupervised = hasSupervisor(files)
  return (name) => {
    const { restarts = 0, lastExit, nextTryAt } = processes[name] ?? {}
    return {
      restarts,
      lastExit: lastExit ? { at: text(lastExit.at), how: lastExit.how ?? null } : null,
      nextTryAt: isSupervised && nextTryAt !== undefined ? text(nextTryAt) : null,
    }
  }
}

const text = (ms: number): string => new Date(ms).toISOString()
