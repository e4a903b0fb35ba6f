import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { say } from '../../terminal.js'
import { birthOf, endRecordedChildren } from '@mcp-router/upstream'
import { find } from './pid-file.js'
import type { ClusterProcess } from './process.js'
import type { RunFiles } from './run-files.js'

/**
 * endOrphans ends what a process that was killed left behind. Nginx workers outlive their master
 * and keep its port. They are ours when they are of the group that our process led and work in the
 * folder that it was given.
 */
export const endOrphans = (files: RunFiles, process: ClusterProcess): void => {
  if (process.stage === 'instance') endChildren(files)
  const found = find(files, process.name)
  if (found.kind !== 'stale' || birthOf(found.pid) !== undefined) return
  const orphans = membersOf(found.pid).filter((pid) => folderOf(pid) === process.cwd)
  for (const pid of orphans) kill(pid)
  if (orphans.length > 0)
    say(`  ${process.name.padEnd(14)} ended what it left behind (pid ${orphans.join(', ')})`)
}

/** endChildren ends stdio servers of Instances that were killed, which nobody reads any more. */
export const endChildren = (files: RunFiles): void => {
  const ended = endRecordedChildren(files.children)
  if (ended.length > 0) say(`  ended stdio servers of a killed instance (pid ${ended.join(', ')})`)
}

// Only Linux shows the folder of a process to everyone; elsewhere a busy port tells the person of
// the rest.
const membersOf = (group: number): readonly number[] => {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && groupOf(name) === group)
    .map(Number)
}

const groupOf = (pid: string): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the name in parentheses: state, parent, group.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  } catch {
    return undefined
  }
}

const folderOf = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
