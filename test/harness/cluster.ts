import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, inherited, isAlive, pidsIn, run, treeOf } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'
import { Redis } from 'ioredis'
import { stringify } from 'yaml'
import { everythingEntry, exampleEntry } from './backends.js'
import type { ServerEntry } from './backends.js'
import { logTails } from './logs.js'
import { cli } from './paths.js'

/** ClusterOptions: `servers` are entries of the servers file beside `mcp-server-v6` and `everything`. */
export interface ClusterOptions {
  readonly affinity?: 'ip_hash' | 'round_robin' | 'session'
  readonly env?: Readonly<Record<string, string>>
  readonly servers?: Readonly<Record<string, ServerEntry>>
}

/** Cluster is Redis, two example servers, three Instances and Nginx, started by the product's own process manager. */
export interface Cluster {
  /** Nginx. */
  readonly gateway: string
  /** The Instances themselves, without Nginx. */
  readonly instances: readonly [string, string, string]
  /** The first of the two endpoints of `mcp-server-v6`. */
  readonly example: string
  readonly redis: Redis
  readonly redisUrl: string
  readonly runDir: string
  readonly serversFile: string
  /** The headers by which instances believe who passes a request on, as they do their Nginx. */
  asProxy(): Readonly<Record<string, string>>
  /** By the names of their pid files: `nginx`, `redis`, `router-<port>`, `backend-<port>`. */
  pids(): ReadonlyMap<string, number>
  /** The end of every log. */
  logs(lines?: number): string
  /** Starts again what was killed, under the names and at the ports that it had. */
  restart(): Promise<void>
  /** Stops the cluster; it rejects when a process is left, which it ends. Idempotent. */
  close(): Promise<void>
}

const startAttempts = 3

/** openCluster starts a cluster in a directory of its own and resolves once all of it answers. */
export const openCluster = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const runDir = mkdtempSync(join(tmpdir(), 'mcp-test-'))
  const serversFile = join(runDir, 'servers.yaml')
  for (let attempt = 1; ; attempt++) {
    const first = await freePorts(6)
    const servers = {
      'mcp-server-v6': exampleEntry(first + 4),
      everything: everythingEntry,
      ...options.servers,
    }
    writeFileSync(serversFile, stringify({ servers }))
    const env = environment(options, { runDir, serversFile, first })
    const starting = run([cli, 'cluster', 'start'], env)
    if ((await starting.ended) === 0) return started(runDir, serversFile, first, env)
    const said = starting.output()
    // Somebody took a port between our look and the start.
    if (/is taken by/.test(said) && attempt < startAttempts) continue
    const tails = logTails(runDir, 20)
    rmSync(runDir, { recursive: true, force: true })
    throw new Error(`starting a cluster: ${said}\n${tails}`)
  }
}

const environment = (
  { affinity = 'round_robin', env = {} }: ClusterOptions,
  at: { readonly runDir: string; readonly serversFile: string; readonly first: number },
): Record<string, string> => ({
  ...inherited(),
  MCP_RUN_DIR: at.runDir,
  MCP_SERVERS_FILE: at.serversFile,
  ROUTER_BASE_PORT: String(at.first),
  GATEWAY_PORT: String(at.first + 3),
  MCP_AFFINITY: affinity,
  MCP_DRAIN_MS: '5000',
  // What a test kills stays dead until the test starts it again.
  MCP_SUPERVISE: 'off',
  ...env,
})

const started = (
  runDir: string,
  serversFile: string,
  first: number,
  env: Readonly<Record<string, string>>,
): Cluster => {
  const at = (n: number): string => `http://127.0.0.1:${first + n}`
  const socket = join(runDir, 'redis.sock')
  const redis = new Redis({ path: socket, lazyConnect: true })
  // Redis goes when the cluster does; who asks it for something meanwhile hears of that by the command.
  redis.on('error', () => undefined)
  let closing: Promise<void> | undefined
  return {
    gateway: at(3),
    instances: [at(0), at(1), at(2)],
    example: `${at(4)}/mcp`,
    redis,
    redisUrl: `unix://${socket}`,
    runDir,
    serversFile,
    asProxy: () => ({
      'x-mcp-router-proxy': readFileSync(join(runDir, 'proxy-secret'), 'utf8').trim(),
    }),
    pids: () => pidsIn(runDir),
    logs: (lines = 20) => logTails(runDir, lines),
    async restart() {
      const starting = run([cli, 'cluster', 'start'], env)
      if ((await starting.ended) !== 0) throw new Error(`starting anew: ${starting.output()}`)
    },
    close: () => (closing ??= stop(runDir, redis, env)),
  }
}

const stop = async (
  runDir: string,
  redis: Redis,
  env: Readonly<Record<string, string>>,
): Promise<void> => {
  const before = treeOf([...pidsIn(runDir).values()])
  redis.disconnect()
  const stopping = run([cli, 'cluster', 'stop'], env)
  const code = await stopping.ended
  const left = before.filter(isAlive)
  for (const process of left) kill(process)
  const tails = logTails(runDir, 5)
  rmSync(runDir, { recursive: true, force: true })
  if (code === 0 && left.length === 0) return
  const survivors = left.map(({ pid, command }) => `${pid} ${command}`).join('\n')
  throw new Error(
    `cluster stop: exit ${code}, left running:\n${survivors}\n${stopping.output()}\n${tails}`,
  )
}

const kill = ({ pid }: Process): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
