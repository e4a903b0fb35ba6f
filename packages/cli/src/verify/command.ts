import { loadClusterConfig, type Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { instanceAddresses } from '../cluster/nginx.js'
import { privateRedisUrl, requireRedisSocket } from '../cluster/redis.js'
import { Failure } from '../failure.js'
import { ask, authority, bearer } from '../http.js'
import { say } from '../terminal.js'
import { tokenAdvice } from '../token-advice.js'
import { verify, type Target } from './verify.js'

/** addVerify adds the check that scripts/verify-session.sh runs. */
export const addVerify = (program: Command, env: Env): void => {
  program
    .command('verify')
    .description('check that a session opened at one instance works at all of them')
    .argument('[base-url]', 'where Nginx is (default: GATEWAY_HOST and GATEWAY_PORT)')
    .argument('[redis-host]', 'a Redis other than REDIS_URL or the private one')
    .argument('[redis-port]', 'its port', '6379')
    .option('--server <name>', 'the server to talk to (default: the first with a URL)')
    .action(
      async (
        base: string | undefined,
        redisHost: string | undefined,
        redisPort: string,
        { server }: { server?: string },
      ) => {
        requireArguments(base, redisHost, redisPort)
        const redisUrl = redisHost === undefined ? undefined : `redis://${redisHost}:${redisPort}`
        const target = targetOf(env, base, redisUrl, server)
        await requireToken(target)
        const isWell = await verify(target)
        say(isWell ? '\nall is well' : '\nsomething is wrong; scripts/start-instances.sh status')
        if (!isWell) process.exitCode = 1
      },
    )
}

const requireArguments = (
  base: string | undefined,
  redisHost: string | undefined,
  redisPort: string,
): void => {
  if (base !== undefined && !/^https?:\/\/./.test(base))
    throw new Failure(`"${base}": give a whole address, such as http://127.0.0.1:8080`)
  if (redisHost !== undefined && !/^[\w.-]+$|^\[[\da-f:]+\]$/i.test(redisHost))
    throw new Failure(`"${redisHost}" is not a host name; a whole address goes in REDIS_URL`)
  const port = Number(redisPort)
  if (!/^\d+$/.test(redisPort) || port < 1 || port > 65_535)
    throw new Failure(`"${redisPort}" is not a port`)
}

/** Without it every check would fail, and none would say why. */
const requireToken = async ({ base, token }: Target): Promise<void> => {
  const answer = await ask(`${base}/api/status`, { headers: bearer(token) })
  if ('status' in answer && answer.status === 401) throw new Failure(tokenAdvice(base, token))
}

const targetOf = (
  env: Env,
  base: string | undefined,
  redisUrl: string | undefined,
  server: string | undefined,
): Target => {
  const config = loadClusterConfig(env)
  const { backends } = config
  const chosen = backends.find(({ name, endpoints }) =>
    server === undefined
      ? endpoints.some(({ transport }) => transport === 'http')
      : name === server,
  )
  const backend = chosen ?? (server === undefined ? backends[0] : undefined)
  if (backend === undefined) {
    const known = backends.map(({ name }) => name).join(', ')
    throw new Failure(`no server "${server ?? ''}" in ${config.serversFile}; it has ${known}`)
  }
  const own = redisUrl ?? config.redisUrl
  if (own === undefined) requireRedisSocket(config.runDir)
  return {
    base: (base ?? `http://${authority(config.gatewayHost, config.gatewayPort)}`).replace(
      /\/+$/,
      '',
    ),
    instances: instanceAddresses(config).map((address) => `http://${address}`),
    redisUrl: own ?? privateRedisUrl(config.runDir),
    backend: backend.name,
    token: config.accessToken,
  }
}
