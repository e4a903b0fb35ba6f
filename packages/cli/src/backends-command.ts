import { loadGatewayConfig, type Env, type GatewayConfig } from '@mcp-router/config'
import type { Backend } from '@mcp-router/core'
import { createEras, createHttpClient, createProber, createUpstreams } from '@mcp-router/upstream'
import type { Command } from 'commander'
import { relative } from 'node:path'
import { probeLines } from './backend-lines.js'
import { addressOf, probeEndpoint, type ProbeReport } from './backend-probe.js'
import { Failure } from './failure.js'
import { table } from './table.js'
import { say } from './terminal.js'

interface BackendsOptions {
  readonly servers?: string
  readonly json: boolean
}

/** addBackends adds the commands that look at the servers of the servers file, without any router. */
export const addBackends = (program: Command, env: Env): void => {
  const backends = program
    .command('backends')
    .description('look at the MCP servers of the servers file; no router need be running')
  backends
    .command('list')
    .description('all servers, and where they are')
    .option('-s, --servers <file>', 'the MCP servers, YAML or JSON (MCP_SERVERS_FILE)')
    .option('--json', 'for programs', false)
    .action((options: BackendsOptions) => list(configFrom(env, options), options.json))
  backends
    .command('probe')
    .description('ask every endpoint of a server what it speaks; exit 0 when all answer')
    .argument('<name>', 'as the servers file has it')
    .option('-s, --servers <file>', 'the MCP servers, YAML or JSON (MCP_SERVERS_FILE)')
    .option('--json', 'for programs', false)
    .addHelpText('after', help)
    .action(async (name: string, options: BackendsOptions) => {
      const backend = backendNamed(name, configFrom(env, options))
      if (!(await probe(backend, env, options.json))) process.exitCode = 1
    })
}

const help = `
A server is of the modern era (2026-07-28, no sessions) or of the legacy one (2024-11-05 to
2025-11-25, sessions). A command is started for this and ended again.

Examples:
  mcp-router backends probe everything
  mcp-router backends probe weather --servers mcp-servers.yaml --json`

const configFrom = (env: Env, { servers }: BackendsOptions): GatewayConfig =>
  loadGatewayConfig(env, servers === undefined ? {} : { servers })

const list = ({ backends, serversFile }: GatewayConfig, json: boolean): void => {
  if (json) {
    say(JSON.stringify(backends.map(listed), undefined, 2))
    return
  }
  if (backends.length === 0) {
    say(`no servers in ${relative('', serversFile)}`)
    return
  }
  for (const line of table(['server', 'transport', 'era', 'endpoints'], backends.map(row)))
    say(line)
}

const listed = ({ name, era, endpoints }: Backend): object => ({
  name,
  era,
  endpoints: endpoints.map((each) => ({ transport: each.transport, address: addressOf(each) })),
})

const row = ({ name, era, endpoints }: Backend): readonly string[] => [
  name,
  [...new Set(endpoints.map(({ transport }) => transport))].join(', '),
  era,
  endpoints.map(addressOf).join(', '),
]

const backendNamed = (name: string, { backends, serversFile }: GatewayConfig): Backend => {
  const backend = backends.find((each) => each.name === name)
  if (backend !== undefined) return backend
  const known = backends.map((each) => each.name).join(', ') || 'none'
  throw new Failure(`no server "${name}" in ${relative('', serversFile)}; it has ${known}`)
}

/** probe tells of each Endpoint in the order of the file, and whether all of them answered. */
const probe = async (backend: Backend, env: Env, json: boolean): Promise<boolean> => {
  const probing = openProbing(env)
  const { name, era, endpoints } = backend
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
    await probing.close()
  }
}

const openProbing = (env: Env) => {
  const client = createHttpClient({ connectTimeoutMs: 3_000 })
  const prober = createProber({ client, env })
  const eras = createEras({ client, env })
  const events = { emit: () => undefined }
  const upstreams = createUpstreams({ client, events, env, eras, idleMs: 60_000 })
  const end = async (): Promise<void> => {
    await Promise.all([prober.close(), eras.close(), upstreams.close()])
    await client.close()
  }
  // The commands that were started must not outlive this one.
  const onSignal = (): void => void end().finally(() => process.exit(130))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  return {
    prober,
    pool: upstreams.pool,
    async close() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      await end()
    },
  }
}
