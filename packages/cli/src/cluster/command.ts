import type { Env } from '@mcp-router/config'
import { InvalidArgumentError, type Command } from 'commander'
import { logsCommand } from './status/logs-command.js'
import { restartCommand } from './restart/restart-command.js'
import type { RestartOptions } from './restart/restart-losses.js'
import { startCommand } from './start/start-command.js'
import { statusCommand } from './status/status-command.js'
import { stopCommand } from './stop-command.js'
import { superviseCommand } from './supervise/command.js'

const variables = `
Variables (docs/configuration.md of the package, packages/config/README.md of a clone, has all):
  ROUTER_INSTANCES, ROUTER_BASE_PORT   how many instances (3), and the port of the first (8051)
  GATEWAY_PORT, GATEWAY_HOST           where Nginx listens (8080, 127.0.0.1)
  REDIS_URL                            a Redis to use instead of a private one
  MCP_SERVERS_FILE                     the MCP servers (mcp-servers.yaml)
  MCP_RUN_DIR                          pids, logs, sockets, Redis data (.run)
  MCP_AFFINITY                         ip_hash (default), session, round_robin
  ACCESS_TOKEN                         every caller must send it; needed to listen beyond this machine`

/** addCluster adds the process manager that scripts/start-instances.sh calls. */
export const addCluster = (program: Command, env: Env): void => {
  const cluster = program
    .command('cluster')
    .description('start, watch and stop Redis, the example servers, the instances and Nginx')
    .addHelpText('after', variables)
  cluster
    .command('start')
    .description('start what is not running, and wait until it answers')
    .argument('[port]', 'only the process at this port', asPort)
    .action((port?: number) => startCommand(env, port))
  cluster
    .command('stop')
    .description('stop all processes of the run directory; instances finish their calls first')
    .argument('[port]', 'only the process at this port', asPort)
    .action((port?: number) => stopCommand(env, port))
  cluster
    .command('restart')
    .description('restart the instances one at a time, so that no client notices')
    .argument('[port]', 'only the process at this port', asPort)
    .option('--remove-token', 'go on without the access token that the cluster runs with')
    .option(
      '--other-redis',
      'go on with another Redis than the cluster runs with, without its sessions',
    )
    .option('--leave-out', 'go on without servers that this shell cannot start the cluster with')
    .action((port: number | undefined, meant: Partial<RestartOptions>) =>
      restartCommand(env, port, {
        removeToken: false,
        otherRedis: false,
        leaveOut: false,
        ...meant,
      }),
    )
  cluster
    .command('status')
    .description(
      'show pid, port, health, uptime, sessions and restarts; exit 0 when all are healthy',
    )
    .option('--json', 'prints JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      if (!(await statusCommand(env, json))) process.exitCode = 1
    })
  cluster.command('supervise', { hidden: true }).action(() => superviseCommand(env))
  cluster
    .command('logs')
    .description('show the last 50 lines of the logs, and follow them')
    .argument('[port]', 'only of the process at this port', asPort)
    .option('--no-follow', 'show and end')
    .action((port: number | undefined, { follow }: { follow: boolean }) =>
      logsCommand(env, port, follow),
    )
}

const asPort = (text: string): number => {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new InvalidArgumentError('a port is a number from 1 to 65535')
}
