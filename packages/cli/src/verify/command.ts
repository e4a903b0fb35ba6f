import { loadClusterConfig, type Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { instanceAddresses } from '../cluster/nginx.js'
import { privateRedisUrl } from '../cluster/redis.js'
import { Failure } from '../failure.js'
import { authority } from '../http.js'
import { say } from '../terminal.js'
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
        const redisUrl = redisHost === undefined ? undefined : `redis://${redisHost}:${redisPort}`
        const isWell = await verify(targetOf(env, base, redisUrl, server))
        say(isWell ? '\nall is well' : '\nsomething is wrong; scripts/start-instances.sh status')
        if (!isWell) process.exitCode = 1
      },
    )
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
  return {
    base: (base ?? `http://${authority(config.gatewayHost, config.gatewayPort)}`).replace(
      /\/+$/,
      '',
    ),
    instances: instanceAddresses(config).map((address) => `http://${address}`),
    redisUrl: redisUrl ?? config.redisUrl ?? privateRedisUrl(config.runDir),
    backend: backend.name,
    token: config.accessToken,
  }
}
