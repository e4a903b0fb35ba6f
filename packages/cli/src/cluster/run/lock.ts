import { readText } from '@mcp-router/config'
import { randomUUID } from 'node:crypto'
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../failure.js'
import { complain } from '../../terminal.js'
import { birthOf } from '@mcp-router/upstream'
import type { RunFiles } from './run-files.js'

const waitMs = 180_000
const pollMs = 100

/**
 * withLock lets one command at a time change what runs in a run directory; a second one waits for
 * the first.
 */
export const withLock = async <T>(files: RunFiles, work: () => Promise<T>): Promise<T> => {
  const mine = textOfThis()
  await take(files.lock, mine)
  try {
    return await work()
  } finally {
    if (textOf(files.lock) === mine) rmSync(files.lock, { force: true })
  }
}

/**
 * ifUnlocked does `work` under the lock, or nothing when a command holds it. `work` is synchronous:
 * it is never seen half done.
 */
export const ifUnlocked = <T>(files: RunFiles, work: () => T): T | undefined => {
  const mine = textOfThis()
  if (!create(files.lock, mine)) {
    const holder = textOf(files.lock)
    if (holder === undefined || isAlive(holder)) return undefined
    removeStale(files.lock, holder)
    if (!create(files.lock, mine)) return undefined
  }
  try {
    return work()
  } finally {
    if (textOf(files.lock) === mine) rmSync(files.lock, { force: true })
  }
}

const textOfThis = (): string => `${process.pid} ${birthOf(process.pid) ?? ''}\n`

const take = async (lock: string, mine: string): Promise<void> => {
  const end = Date.now() + waitMs
  let told = false
  while (!create(lock, mine)) {
    const holder = textOf(lock)
    if (holder === undefined) continue
    if (!isAlive(holder)) {
      removeStale(lock, holder)
      continue
    }
    const pid = holder.split(' ')[0] ?? ''
    if (Date.now() > end) throw new Failure(`another command (pid ${pid}) still works on ${lock}`)
    if (!told) complain(`waiting for another command on this run directory (pid ${pid})`)
    told = true
    await wait(pollMs)
  }
}

// A link appears whole or not at all, so that nobody reads a lock without its holder.
const create = (lock: string, text: string): boolean => {
  const draft = `${lock}.${randomUUID()}`
  writeFileSync(draft, text)
  try {
    linkSync(draft, lock)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

const isAlive = (holder: string): boolean => {
  const [pid = '', ...birth] = holder.trim().split(' ')
  return birthOf(Number(pid)) === birth.join(' ')
}

// Two commands may find the same stale lock: only who moves the very lock that was read away has
// removed it.
const removeStale = (lock: string, holder: string): void => {
  const aside = `${lock}.${randomUUID()}`
  try {
    renameSync(lock, aside)
  } catch {
    return
  }
  if (textOf(aside) !== holder) restore(aside, lock)
  rmSync(aside, { force: true })
}

const restore = (aside: string, lock: string): void => {
  try {
    linkSync(aside, lock)
  } catch {
    // Someone has taken it since, and sees to its own.
  }
}

const textOf = (path: string): string | undefined => {
  try {
    return readText(path)
  } catch (error) {
    // What is no text at all names nobody who holds it.
    return error instanceof Error && 'code' in error ? undefined : ''
  }
}
