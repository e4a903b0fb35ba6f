import { readFileSync } from 'node:fs'

/** residentBytes is how much memory a process holds now. */
export const residentBytes = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`no memory of process ${pid}`)
  return Number(kib) * 1_024
}
