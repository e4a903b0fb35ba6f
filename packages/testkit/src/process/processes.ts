import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Process is one entry of /proc: `birth` tells it from a later one with the same pid. */
export interface Process {
  readonly pid: number
  readonly birth: string
  readonly parent: number
  readonly command: string
}

/** processAt looks a pid up; undefined: nobody has it, or only a zombie that waits for its parent. */
export const processAt = (pid: number): Process | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Behind the name in parentheses: state, parent, …, and the start time as the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { pid, birth: fields[19] ?? '', parent: Number(fields[1]), command }
  } catch {
    return undefined
  }
}

/** isAlive tells whether this very process still runs. */
export const isAlive = (process: Process): boolean =>
  processAt(process.pid)?.birth === process.birth

/** treeOf is the processes at these pids and all their descendants. */
export const treeOf = (pids: readonly number[]): readonly Process[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processAt(Number(name)) ?? [])
  const tree = new Map<number, Process>()
  const visit = (process: Process): void => {
    if (tree.has(process.pid)) return
    tree.set(process.pid, process)
    for (const child of all) if (child.parent === process.pid) visit(child)
  }
  for (const process of all) if (pids.includes(process.pid)) visit(process)
  return [...tree.values()]
}

/** pidsIn reads the pid files of a run directory: name → pid. */
export const pidsIn = (runDir: string): ReadonlyMap<string, number> => {
  const folder = join(runDir, 'pids')
  const files = readdirSync(folder).filter((file) => file.endsWith('.pid'))
  return new Map(
    files.map((file) => [
      file.slice(0, -'.pid'.length),
      Number(readFileSync(join(folder, file), 'utf8')),
    ]),
  )
}
