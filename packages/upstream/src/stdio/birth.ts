import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * birthOf tells when a living process began, as text that only compares equal for the same process.
 * Undefined: there is no such process, or only its exit status is left.
 */
export const birthOf = (pid: number): string | undefined =>
  process.platform === 'linux' ? fromProc(pid) : fromPs(pid)

const fromProc = (pid: number): string | undefined => {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field, the name, is in parentheses and may hold anything; the third is the state,
  // the 22nd the start.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return isDead(fields[0]) ? undefined : fields[19]
}

const fromPs = (pid: number): string | undefined => {
  const options = ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]
  const { status, stdout } = spawnSync('ps', options, { encoding: 'utf8' })
  if (status !== 0) return undefined
  const [state, ...start] = stdout.trim().split(/\s+/)
  return isDead(state) ? undefined : start.join(' ')
}

const isDead = (state: string | undefined): boolean => state === undefined || /^[ZX]/.test(state)
