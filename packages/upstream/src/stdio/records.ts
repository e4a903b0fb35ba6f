import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { birthOf } from './birth.js'

/** One file per child, named by its process group. */
interface ChildRecord {
  /** When the child began, by which a pid that was used again is told from ours. */
  readonly birth: string
  readonly owner: { readonly pid: number; readonly birth: string }
}

let folder: string | undefined

/**
 * recordChildrenIn makes this process write down which children it runs, so that they can be ended
 * after it was killed; undefined: it does not.
 */
export const recordChildrenIn = (path: string | undefined): void => {
  folder = path
}

/** recordChild notes a child that leads a process group; a folder that cannot be written is none. */
export const recordChild = (pid: number | undefined): void => {
  if (folder === undefined || pid === undefined) return
  const [birth, own] = [birthOf(pid), birthOf(process.pid)]
  if (birth === undefined || own === undefined) return
  const record: ChildRecord = { birth, owner: { pid: process.pid, birth: own } }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, String(pid)), JSON.stringify(record), { mode: 0o600 })
  } catch {
    // It runs all the same; only a SIGKILL of this process would leave it behind.
  }
}

/** forgetChild removes the note once nothing of the child is left. */
export const forgetChild = (pid: number | undefined): void => {
  if (folder !== undefined && pid !== undefined) rmSync(join(folder, String(pid)), { force: true })
}

/**
 * endRecordedChildren kills the process groups of children whose owner is gone, and returns them. A
 * group whose leader began at another time than noted is a stranger's.
 */
export const endRecordedChildren = (path: string): readonly number[] =>
  recordedIn(path).flatMap((pid) => {
    const file = join(path, String(pid))
    const record = read(file)
    if (record !== undefined && birthOf(record.owner.pid) === record.owner.birth) return []
    const isOurs = record !== undefined && birthOf(pid) === record.birth
    const isEnded = isOurs && killGroup(pid)
    rmSync(file, { force: true })
    return isEnded ? [pid] : []
  })

const recordedIn = (path: string): readonly number[] => {
  try {
    return readdirSync(path)
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

const read = (file: string): ChildRecord | undefined => {
  try {
    // Written by recordChild alone, in a folder of the owner; half of it counts as nothing.
    const { birth, owner } = JSON.parse(readFileSync(file, 'utf8')) as ChildRecord
    return { birth, owner: { pid: owner.pid, birth: owner.birth } }
  } catch {
    return undefined
  }
}

const killGroup = (leader: number): boolean => {
  try {
    process.kill(-leader, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
