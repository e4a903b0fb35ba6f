import type { ClusterConfig, Env } from '@mcp-router/config'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { askRedis } from '../redis.js'
import type { ClusterProcess } from './process.js'
import type { RunFiles } from './run-files.js'

// The kernel's limit for the path of a socket is 104 to 108 bytes, with the zero at its end.
const socketPathLimit = 100

/**
 * redisSocket is where the private Redis listens; a long run directory has its socket in the
 * system's temporary one.
 */
export const redisSocket = (runDir: string): string => {
  const path = join(runDir, 'redis.sock')
  if (Buffer.byteLength(path) <= socketPathLimit) return path
  const hash = createHash('sha256').update(runDir).digest('hex').slice(0, 16)
  return join(tmpdir(), `mcp-router-${hash}`, 'redis.sock')
}

/** privateRedisUrl is the address of the private Redis of a run directory. */
export const privateRedisUrl = (runDir: string): string =>
  `unix://${redisSocket(runDir).split('/').map(encodeURIComponent).join('/')}`

/**
 * redisProcess is the private Redis: on a socket only, so that no port is taken and nobody else
 * reads the sessions.
 */
export const redisProcess = (config: ClusterConfig, files: RunFiles, env: Env): ClusterProcess => {
  const socket = redisSocket(config.runDir)
  const url = privateRedisUrl(config.runDir)
  return {
    name: 'redis',
    stage: 'redis',
    what: 'Redis',
    address: socket,
    listen: undefined,
    command: 'redis-server',
    args: [
      ['--port', '0'],
      ['--unixsocket', socket],
      ['--unixsocketperm', '700'],
      ['--dir', files.redisDir],
      ['--appendonly', 'yes'],
      // The append-only file is all that is needed to come back; no snapshots beside it.
      ['--save', ''],
      ['--daemonize', 'no'],
    ].flat(),
    cwd: files.redisDir,
    env,
    prepare() {
      if (dirname(socket) === config.runDir) return
      mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
      chmodSync(dirname(socket), 0o700)
    },
    async health() {
      const answer = await askRedis(url, ['PING'])
      if ('failed' in answer) return answer.failed
      return answer.value === 'PONG' ? undefined : `answers PING with ${String(answer.value)}`
    },
  }
}
