import type { ClusterConfig, Env } from '@mcp-router/config'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask, authority } from '../http.js'
import { withPrivateEnv } from './start/private-env.js'
import { privateRedisUrl, requireRedisSocket } from './redis.js'
import type { ClusterProcess } from './run/process.js'
import type { RunFiles } from './run/run-files.js'
import { serverPortsOf } from './server-ports.js'
import { instanceSettings } from './restart/settings.js'

const main = fileURLToPath(new URL('../main.js', import.meta.url))

/** instanceProcess is the nth Instance, counted from 1. */
export const instanceProcess = (
  config: ClusterConfig,
  files: RunFiles,
  env: Env,
  n: number,
): ClusterProcess => {
  const port = config.basePort + n - 1
  const name = `router-${port}`
  const id = `${config.instancePrefix}-${n}`
  const address = authority(config.instanceHost, port)
  const variables = {
    ...env,
    HOST: config.instanceHost,
    PORT: String(port),
    INSTANCE_ID: id,
    REDIS_URL: config.redisUrl ?? privateRedisUrl(config.runDir),
    MCP_SERVERS_FILE: config.serversFile,
    MCP_RUN_DIR: config.runDir,
    LOG_FILE: files.log(name),
  }
  return {
    name,
    stage: 'instance',
    what: `instance ${id}`,
    address: `http://${address}`,
    listen: { host: config.instanceHost, port, variable: 'ROUTER_BASE_PORT' },
    command: process.execPath,
    args: [main, 'serve'],
    // Not that of the shell, which may go away while the cluster runs.
    cwd: dirname(config.serversFile),
    ...withPrivateEnv(variables),
    settings: instanceSettings(variables),
    serverPorts: serverPortsOf(config, env),
    prepare() {
      if (config.redisUrl === undefined) requireRedisSocket(config.runDir)
    },
    async health() {
      const answer = await ask(`http://${address}/ready`)
      if ('failed' in answer) return answer.failed
      return answer.status === 200 ? undefined : `/ready answers ${answer.status}`
    },
  }
}
