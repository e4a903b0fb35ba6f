import type { ClusterConfig, Env } from '@mcp-router/config'
import { childEnvironment } from '@mcp-router/core'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.js'
import { askRedis } from '../redis.js'
import type { ClusterProcess } from './run/process.js'
import type { RunFiles } from './run/run-files.js'
import { makeSocketFolder, socketFolderProblem } from './run/socket-folder.js'

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

/** requireRedisSocket throws when somebody else could listen in the place of the private Redis. */
export const requireRedisSocket = (runDir: string): void => {
  const problem = folderProblem(runDir)
  if (problem !== undefined) throw new Failure(problem)
}

const folderProblem = (runDir: string): string | undefined => {
  const folder = dirname(redisSocket(runDir))
  return folder === runDir ? undefined : socketFolderProblem(folder)
}

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
      // Written before it is answered, so that a kill loses nothing. With the default, everysec, a write waits up to 2 s while the last fsync is slow.
      ['--appendfsync', 'no'],
      // The append-only file is all that is needed to come back; no snapshots beside it.
      ['--save', ''],
      ['--daemonize', 'no'],
      // Full, it refuses new records: those of living sessions are not to be thrown away for them.
      ['--maxmemory', String(config.redisMaxBytes)],
      ['--maxmemory-policy', 'noeviction'],
    ].flat(),
    cwd: files.redisDir,
    env: childEnvironment(env),
    settings: { MCP_REDIS_MAX_BYTES: config.redisMaxBytes },
    prepare() {
      if (dirname(socket) !== config.runDir) makeSocketFolder(dirname(socket))
    },
    async health() {
      const problem = folderProblem(config.runDir)
      if (problem !== undefined) return problem
      const answer = await askRedis(url, ['PING'])
      if ('failed' in answer) return answer.failed
      return answer.value === 'PONG' ? undefined : `answers PING with ${String(answer.value)}`
    },
  }
}
