import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const isLinux = process.platform === 'linux'

/** Usage is what processes have used: CPU since their start, memory now. */
export interface Usage {
  readonly cpuMs: number
  /** What of it the kernel used for them. NaN: the system does not say. */
  readonly systemMs: number
  readonly rssBytes: number
}

/** usageOf sums the Usage of processes: from /proc where there is one (10 ms steps), from `ps` elsewhere. */
export const usageOf = async (pids: readonly number[]): Promise<Usage> => {
  const all = await Promise.all(pids.map(isLinux ? fromProc : fromPs))
  return {
    cpuMs: all.reduce((sum, one) => sum + one.cpuMs, 0),
    systemMs: all.reduce((sum, one) => sum + one.systemMs, 0),
    rssBytes: all.reduce((sum, one) => sum + one.rssBytes, 0),
  }
}

/** familyOf is a process and its children: Nginx and its workers. */
export const familyOf = async (pid: number): Promise<readonly number[]> => {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return [pid, ...pairs.flatMap(([child, parent]) => (parent === pid && child ? [child] : []))]
}

/** openFilesOf counts the open files and sockets of a process. */
export const openFilesOf = async (pid: number): Promise<number> => {
  if (isLinux) return (await readdir(`/proc/${pid}/fd`)).length
  const { stdout } = await run('lsof', ['-n', '-P', '-p', String(pid)], { maxBuffer: 64 << 20 })
  return stdout.split('\n').length
}

/** cpuTimeMs reads `ps -o cputime`: [[days-]hours:]minutes:seconds, on some systems with hundredths. */
export const cpuTimeMs = (text: string): number => {
  const [clock = '', days = '0'] = text.trim().split('-').reverse()
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return Math.round((Number(days) * 86_400 + seconds) * 1000)
}

const fromPs = async (pid: number): Promise<Usage> => {
  const { stdout } = await run('ps', ['-o', 'cputime=,rss=', '-p', String(pid)])
  const [cpu = '', rss = ''] = stdout.trim().split(/\s+/)
  return { cpuMs: cpuTimeMs(cpu), systemMs: NaN, rssBytes: Number(rss) * 1024 }
}

const fromProc = async (pid: number): Promise<Usage> => {
  const [stat, status, ticks] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
    (ticksPerSecond ??= readTicksPerSecond()),
  ])
  // The name (second field) may hold anything; what follows its last bracket is fields 3 and on, utime and stime 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const rssKib = /^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? '0'
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticks,
    systemMs: (Number(fields[12]) * 1000) / ticks,
    rssBytes: Number(rssKib) * 1024,
  }
}

let ticksPerSecond: Promise<number> | undefined

const readTicksPerSecond = async (): Promise<number> => {
  const { stdout } = await run('getconf', ['CLK_TCK'])
  return Number(stdout)
}
