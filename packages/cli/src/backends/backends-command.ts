import {
  loadGatewayConfig,
  type InvalidBackend,
  type Env,
  type GatewayConfig,
} from '@mcp-router/config'
import type { Backend, Endpoint } from '@mcp-router/core'
import type { Command } from 'commander'
import { relative } from 'node:path'
import { probeLines } from './backend-lines.js'
import { addressOf, probeEndpoint, type ProbeReport } from './backend-probe.js'
import { withRunning } from '../cluster/status/as-running.js'
import { commandName } from '../command-name.js'
import { Failure } from '../failure.js'
import { warnMisspelt } from '../misspelt.js'
import { unstartableLines } from './unstartable.js'
import { openProbing } from './probing.js'
import { table } from '../table.js'
import { complain, say } from '../terminal.js'

interface BackendsOptions {
  readonly strict?: boolean
  readonly servers?: string
  readonly json?: boolean
}

/** addBackends adds the commands that look at the servers of the servers file, without any router. */
export const addBackends = (program: Command, env: Env): void => {
  const backends = program
    .command('backends')
    .description(
      'look at the MCP servers of the servers file, with the ports of the cluster of MCP_RUN_DIR where it runs; no router need be running',
    )
  backends
    .command('list')
    .description('all servers, and where they are')
    .option('-s, --servers <file>', 'the MCP servers, YAML or JSON (MCP_SERVERS_FILE)')
    .option('--json', 'prints JSON')
    .option('--strict', 'one server with a problem is an error (MCP_STRICT)')
    .action((options: BackendsOptions) => {
      const config = configFrom(env, options)
      warnMisspelt(env, config.serversFile)
      list(config, env, options.json === true)
    })
  backends
    .command('probe')
    .description('ask every endpoint of a server what it speaks; exit 0 when all answer')
    .argument('<name>', 'as the servers file has it')
    .option('-s, --servers <file>', 'the MCP servers, YAML or JSON (MCP_SERVERS_FILE)')
    .option('--json', 'prints JSON')
    .addHelpText('after', help)
    .action(async (name: string, options: BackendsOptions) => {
      const config = configFrom(env, options)
      if (!(await probe(name, config, env, options.json === true))) process.exitCode = 1
    })
}

const help = `
A server is of the modern era (2026-07-28, no sessions) or of the legacy one (2024-11-05 to
2025-11-25, sessions). A command is started for this and ended again.

Examples:
  ${commandName} backends probe everything
  ${commandName} backends probe weather --servers mcp-servers.yaml --json`

const configFrom = (env: Env, { servers, strict }: BackendsOptions): GatewayConfig =>
  loadGatewayConfig(withRunning(env), {
    ...(servers !== undefined && { servers }),
    ...(strict !== undefined && { strict }),
  })

const list = (config: GatewayConfig, env: Env, json: boolean): void => {
  const { backends, invalid, disabled, unused, unenforced, serversFile } = config
  if (json) {
    const wrong = invalid.map(({ name, problems }) => ({ name, state: 'invalid', problems }))
    const off = disabled.map((name) => ({ name, state: 'disabled' }))
    say(JSON.stringify([...backends.map(listed), ...wrong, ...off], undefined, 2))
    return
  }
  if (unused !== undefined) complain(unused)
  if (unenforced !== undefined) complain(unenforced)
  if (backends.length + invalid.length + disabled.length === 0) {
    say(`no servers in ${shown(serversFile)}`)
    return
  }
  const off = disabled.map((name) => [name, 'disabled', '', '', ''])
  const rows = [...backends.map(row), ...invalid.flatMap(invalidRows), ...off]
  for (const line of table(['server', 'state', 'transport', 'era', 'endpoints'], rows)) say(line)
  for (const line of unstartableLines(backends, env)) complain(line)
}

/** shown is a path as a person would write it: relative where it is below the current folder. */
const shown = (path: string): string => {
  const short = relative('', path)
  return short.startsWith('..') ? path : short
}

const listed = ({ name, era, endpoints }: Backend): object => ({
  name,
  state: 'enabled',
  era,
  endpoints: endpoints.map((each) => ({ transport: transportOf(each), address: addressOf(each) })),
})

/** As configured. */
const transportOf = (endpoint: Endpoint): string =>
  endpoint.transport !== 'stdio' && endpoint.isAuto ? 'auto' : endpoint.transport

const invalidRows = ({ name, problems }: InvalidBackend): readonly (readonly string[])[] =>
  problems.map((problem) => [name, 'invalid', '', '', problem])

const row = ({ name, era, endpoints }: Backend): readonly string[] => [
  name,
  'enabled',
  [...new Set(endpoints.map(transportOf))].join(', '),
  era,
  endpoints.map(addressOf).join(', '),
]

const backendNamed = (
  name: string,
  { backends, invalid, disabled, serversFile }: GatewayConfig,
): Backend => {
  const backend = backends.find((each) => each.name === name)
  if (backend !== undefined) return backend
  const wrong = invalid.find((each) => each.name === name)
  if (wrong !== undefined) throw new Failure(wrong.problems.join('\n'))
  if (disabled.includes(name))
    throw new Failure(`server "${name}" is disabled in ${shown(serversFile)}`)
  const known = backends.map((each) => each.name).join(', ') || 'none'
  throw new Failure(`no server "${name}" in ${shown(serversFile)}; it has ${known}`)
}

/** probe tells of each Endpoint in the order of the file, and whether all of them answered. */
const probe = async (
  name: string,
  config: GatewayConfig,
  env: Env,
  json: boolean,
): Promise<boolean> => {
  const backend = backendNamed(name, config)
  const probing = openProbing(env, config.openTimeoutMs)
  // The commands that were started must not outlive this one.
  const onSignal = (): void => void probing.close().finally(() => process.exit(130))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const { era, endpoints } = backend
  try {
    const count = endpoints.length === 1 ? '1 endpoint' : `${endpoints.length} endpoints`
    // Said before the answers, which may take a while.
    if (!json) say(`${name}: ${count}, era ${era}`)
    const asked = endpoints.map((endpoint) => probeEndpoint(probing, backend, endpoint))
    const reports: ProbeReport[] = []
    for (const each of asked) {
      const report = await each
      reports.push(report)
      if (!json) for (const line of ['', ...probeLines(report)]) say(line)
    }
    if (json) say(JSON.stringify({ name, era, endpoints: reports }, undefined, 2))
    return reports.every(({ problem }) => problem === undefined)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await probing.close()
  }
}
