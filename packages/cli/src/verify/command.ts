import { loadClusterConfig, loadRunDir, type Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { asRunning } from '../cluster/status/as-running.js'
import { instanceAddresses } from '../cluster/nginx.js'
import { privateRedisUrl, requireRedisSocket } from '../cluster/redis.js'
import { requireFolder } from '../cluster/run/run-files.js'
import { clusterCommand, commandName, isCheckout } from '../command-name.js'
import { Failure } from '../failure.js'
import { answers, ask, authority, bearer, isHtml } from '../http.js'
import { say } from '../terminal.js'
import { tokenAdvice } from '../token-advice.js'
import { verify, type Target, type Verdict } from './verify.js'

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
        requireFolder(env)
        const target = targetOf(asRunning(env), base, redisUrl, server)
        await requireCluster(target, loadRunDir(env).runDir)
        await requireRouter(target)
        const verdict = await verify(target)
        say(`\n${verdictText(verdict, target)}`)
        if (verdict !== 'well') process.exitCode = 1
      },
    )
}

const verdictText = (verdict: Verdict, { backend }: Target): string => {
  if (verdict === 'well') return 'all is well'
  if (verdict === 'cluster') return `something is wrong; ${clusterCommand} status`
  return `the cluster is well, but server "${backend}" does not answer; ${commandName} backends probe ${backend} says why, and --server <name> checks with another one`
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

/** Where nothing answers at all, every check would fail for one reason. */
const requireCluster = async ({ base, instances }: Target, runDir: string): Promise<void> => {
  const asked = [base, ...instances].map((each) => answers(`${each}/health`))
  if ((await Promise.all(asked)).includes(true)) return
  throw new Failure(
    `nothing answers at ${base} (MCP_RUN_DIR is ${runDir}): start the cluster first: ${isCheckout ? 'npm start' : `${clusterCommand} start`}`,
  )
}

/** Where the address or the token is wrong, every check would fail, and none would say why. */
const requireRouter = async ({ base, token }: Target): Promise<void> => {
  const answer = await ask(`${base}/api/status`, { headers: bearer(token) })
  if ('failed' in answer) return
  if (answer.status === 401) throw new Failure(tokenAdvice(base, token))
  const router = base.replace(/([^/])\/(mcp|sse)(\/.*)?$/, '$1')
  const advice = router === base ? '' : `; leave out the path of the server: ${router}`
  // Nginx answers so, too, while no instance does.
  const isPage = isHtml(answer.body) && answer.status < 500
  if (isPage)
    throw new Failure(
      `what answers at ${base} is not the router: it gives a web page (${answer.status})${advice}`,
    )
  if (router !== base && answer.status === 404)
    throw new Failure(`the router is not at ${base}${advice}`)
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
