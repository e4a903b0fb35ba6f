import {
  isOfCluster,
  loadGatewayConfig,
  readServers,
  stopLimitMs,
  type Env,
  type GatewayConfig,
  type GatewayOverrides,
  type ManagedBackend,
} from '@mcp-router/config'
import { reasonOf } from '@mcp-router/core'
import { startGateway } from '@mcp-router/gateway'
import { routeCall } from './cluster/start/try-it.js'
import { Failure } from './failure.js'
import { warnMisspelt } from './misspelt.js'
import { reportWaiting } from './redis.js'
import { complain, say } from './terminal.js'
import { unstartedLines, unstartedOf, usableBackend } from './unstarted.js'

/** serve runs one Gateway until it is told to end, and resolves when it has drained. */
export const serve = async (env: Env, overrides: GatewayOverrides): Promise<void> => {
  const config = loadGatewayConfig(env, overrides)
  const { serversFile, strict } = config
  // There, `cluster` starts them, and has told of the variables.
  const isAlone = !isOfCluster()
  if (isAlone) warnMisspelt(env, serversFile)
  const managed = isAlone ? readServers(serversFile, env, { strict }).managed : []
  // Listened to before the start, which may itself take a while.
  const ended = untilSignal()
  if (isAlone) void reportWaiting(config.redisUrl)
  const gateway = await startGateway(config).catch((error: unknown) => {
    throw new Failure(reasonOf(error))
  })
  await printAddress(config, managed, gateway.address)
  // A parent with a channel waits for it before it ends the next instance: PM2 with `wait_ready`.
  process.send?.('ready')
  await ended
  const late = setTimeout(() => {
    complain('mcp-router: not everything could be closed in time, ending anyway')
    process.exit(1)
  }, stopLimitMs(config.drainMs))
  await gateway.close()
  clearTimeout(late)
}

const printAddress = async (
  config: GatewayConfig,
  managed: readonly ManagedBackend[],
  address: string,
): Promise<void> => {
  const unstarted = await unstartedOf(managed)
  for (const line of unstartedLines(unstarted)) complain(line)
  if (!process.stdout.isTTY) return
  say(`mcp-router listens on ${address}`)
  const backend = usableBackend(config.backends, unstarted)
  if (backend === undefined) return
  say('To try it:\n')
  const url = `${address}/mcp/router/route/${backend.name}`
  for (const line of routeCall(url, config.accessToken)) say(`  ${line}`)
  say()
}

/** untilSignal resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    let told = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (told) {
        complain(`mcp-router: ${signal} again, ending at once`)
        process.exit(1)
      }
      told = true
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
