import { readFileSync } from 'node:fs'
import { processAt } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'

/** Vitals watch the instances of a run. */
export interface Vitals {
  /** Says which instances have ended since the last look, each once. */
  losses(): readonly string[]
  /** The most memory that an instance had, MiB. */
  readonly peakMiB: () => number
  /** Instances that have more than this now. */
  above(limitMiB: number): readonly string[]
}

/** watchInstances watches the processes that run now; `pids` gives those that run at a later time. */
export const watchInstances = (pids: () => ReadonlyMap<string, number>): Vitals => {
  const known = new Map<string, Process>()
  let peak = 0
  const look = (): readonly string[] => {
    const lost: string[] = []
    for (const [name, pid] of pids()) {
      const now = processAt(pid)
      const before = known.get(name)
      if (before && before.birth !== now?.birth) {
        lost.push(`${name} (pid ${before.pid}) ended`)
        known.delete(name)
      }
      if (!now) continue
      known.set(name, now)
      peak = Math.max(peak, residentMiB(pid))
    }
    return lost
  }
  look()
  return {
    losses: look,
    peakMiB: () => peak,
    above: (limitMiB) =>
      [...known]
        .map(([name, { pid }]) => ({ name, mib: residentMiB(pid) }))
        .filter(({ mib }) => mib > limitMiB)
        .map(({ name, mib }) => `${name} has ${mib} MiB`),
  }
}

/** 0: the process has just ended. */
const residentMiB = (pid: number): number => {
  try {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Math.round(Number(kib ?? 0) / 1024)
  } catch {
    return 0
  }
}
