import type { Env } from '@mcp-router/config'
import { Command, Option } from 'commander'
import { addBackends } from './backends/backends-command.js'
import { addCluster } from './cluster/command.js'
import { commandName } from './command-name.js'
import { addDoctor } from './doctor/command.js'
import { addInit } from './init/command.js'
import { addNginx } from './nginx-command.js'
import { addSessions } from './sessions/sessions-command.js'
import { addVerify } from './verify/command.js'
import { refuseUnknown } from './unknown-command.js'
import { version } from './version.js'

/** createProgram is the command line; it runs nothing by itself. */
export const createProgram = (env: Env): Command => {
  const program = new Command(commandName)
    .description('An MCP gateway cluster: any number of MCP servers behind one address')
    .version(version)
    .showHelpAfterError()
    .showSuggestionAfterError()
  addInit(program, env)
  addServe(program, env)
  addCluster(program, env)
  addNginx(program, env)
  addBackends(program, env)
  addSessions(program, env)
  addVerify(program, env)
  addDoctor(program, env)
  refuseUnknown(program)
  return program
}

interface ServeOptions {
  readonly servers?: string
  readonly port?: string
  readonly host?: string
  readonly instance?: string
  readonly logFile?: string
  readonly memory?: boolean
  readonly strict?: boolean
  readonly 'server.port'?: string
  readonly 'mcp.session.instanceId'?: string
}

const addServe = (program: Command, env: Env): void => {
  program
    .command('serve')
    .description('run one instance in the foreground; without REDIS_URL it keeps all in memory')
    .option('-s, --servers <file>', 'the MCP servers, YAML or JSON (MCP_SERVERS_FILE)')
    .option('-p, --port <port>', 'where it listens, 0 for any free port (PORT)')
    .option('--host <host>', 'the address it listens on (HOST)')
    .option('--instance <id>', 'its name in the cluster (INSTANCE_ID)')
    .option('--log-file <file>', 'where log lines go as JSON (LOG_FILE)')
    .option('--memory', 'keep sessions in memory even when REDIS_URL is set')
    .option('--strict', 'start only when every server of the file is right (MCP_STRICT)')
    // What the instances of an earlier system were called with.
    .addOption(new Option('--server.port <port>').hideHelp())
    .addOption(new Option('--mcp.session.instance-id <id>').hideHelp())
    .addHelpText('after', `\nExample:\n  ${commandName} serve --servers mcp-servers.yaml`)
    .action(async (options: ServeOptions) => {
      const { servers, host, logFile, memory, strict } = options
      const port = options.port ?? options['server.port']
      const instance = options.instance ?? options['mcp.session.instanceId']
      // Loaded here, because the other commands need not wait for a whole gateway to load.
      const { serve } = await import('./serve.js')
      const given = { servers, port, host, instance, logFile, memory, strict }
      await serve(
        env,
        Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      )
    })
}
