import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@mcp-router/testkit/process'
import { Redis } from 'ioredis'
import { vi } from 'vitest'

/** RedisProcess is a redis-server of a test, with its files in a directory of its own. */
export interface RedisProcess {
  readonly port: number
  readonly url: string
  /** Path of its unix socket. */
  readonly socket: string
  /** A client that knows nothing of the store; it keeps trying while the server is away. */
  readonly raw: Redis
  /** Ends the server without a warning, as a crash does. */
  kill(): Promise<void>
  /** Halts the server: connections stay, answers do not come. */
  pause(): void
  resume(): void
  /** Starts it again at the same address. */
  start(): Promise<void>
  close(): Promise<void>
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** startRedis runs redis-server, or a Sentinel, with lines of configuration beside its port. */
export const startRedis = async (
  lines: readonly string[] = [],
  mode: 'server' | 'sentinel' = 'server',
): Promise<RedisProcess> => {
  const directory = await mkdtemp(join(tmpdir(), 'store-test-'))
  const port = await freePorts(1)
  const file = join(directory, 'redis.conf')
  const socket = join(directory, 'redis.sock')
  const own = ['bind 127.0.0.1', `port ${port}`, `dir ${directory}`]
  const server = ['save ""', `unixsocket ${socket}`]
  await writeFile(file, [...own, ...(mode === 'server' ? server : []), ...lines, ''].join('\n'))

  const raw = new Redis({ port, lazyConnect: true, maxRetriesPerRequest: null })
  raw.on('error', () => {})
  let child: ChildProcess | undefined

  const start = async () => {
    child = spawn('redis-server', [file, ...(mode === 'sentinel' ? ['--sentinel'] : [])], {
      stdio: 'ignore',
    })
    await once(child, 'spawn')
    await vi.waitFor(() => raw.ping(), { timeout: 10_000, interval: 20 })
  }
  const kill = async () => {
    if (child) await end(child)
  }

  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    socket,
    raw,
    kill,
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    start,
    async close() {
      raw.disconnect()
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
