import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { until } from '@mcp-router/testkit/wait'
import { fixtureScript } from './paths.js'

/** heapProbe is the environment of instances that tell what they hold, by liveHeap, in `dir`. */
export const heapProbe = (dir: string): Record<string, string> => {
  mkdirSync(dir, { recursive: true })
  const probe = pathToFileURL(fixtureScript('heap-probe'))
  probe.searchParams.set('dir', dir)
  return { NODE_OPTIONS: `--import=${probe.href}` }
}

/** liveHeap has a process collect its garbage and is how many bytes it holds then, buffers included. */
export const liveHeap = async (dir: string, pid: number): Promise<number> => {
  const file = join(dir, String(pid))
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  await until('the collection of garbage', () => existsSync(file), 20_000)
  return Number(readFileSync(file, 'utf8'))
}
