import type { Env, ManagedBackend } from '@mcp-router/config'
import { childEnvironment, identityOf, type Backend } from '@mcp-router/core'
import { probeEndpoint } from '../backends/backend-probe.js'
import { answers } from '../http.js'
import { openProbing } from '../backends/probing.js'
import type { ClusterProcess, Health } from './run/process.js'
import { serverPortOf } from './server-ports.js'

/** How long a server that somebody else runs may take to answer `initialize`, ms. */
const openTimeoutMs = 5_000

/** ManagedIn is a Backend that the servers file says how to start, and where it says so. */
export interface ManagedIn {
  readonly managed: ManagedBackend
  readonly backends: readonly Backend[]
  readonly serversFile: string
}

/** backendProcess is a Backend that the servers file says how to start. */
export const backendProcess = (from: ManagedIn, env: Env): ClusterProcess => {
  const { managed, serversFile } = from
  const { backend, url, port, command, args, cwd, runAs } = managed
  const variable =
    serverPortOf(serversFile, env, port)?.name ?? `the url of "${backend}" in the servers file`
  return {
    name: `backend-${port}`,
    stage: 'backend',
    what: `server ${backend}`,
    address: url,
    listen: { host: '127.0.0.1', port, variable },
    command,
    args,
    cwd,
    env: { ...childEnvironment(env), ...(runAs && identityOf(runAs)), ...managed.env },
    settings: { start: [command, ...args], env: managed.env, cwd, user: runAs?.name },
    ...(runAs && { runAs }),
    prepare: () => undefined,
    health: async () => ((await answers(url)) ? undefined : `nothing answers at ${url}`),
    foreignHealth: () => speaksMcp(from, env),
  }
}

/** Whatever answers HTTP on a port may be anything: a server of ours is one that takes a session. */
const speaksMcp = async ({ managed, backends }: ManagedIn, env: Env): Promise<Health> => {
  const { backend: name, url } = managed
  if (!(await answers(url))) return `nothing answers at ${url}`
  const backend = backends.find((each) => each.name === name)
  const endpoint = backend?.endpoints.find((each) => 'url' in each && each.url === url)
  if (backend === undefined || endpoint === undefined) return `${url} is not configured`
  const probing = openProbing(env, openTimeoutMs)
  try {
    const { problem } = await probeEndpoint(probing, backend, endpoint)
    return problem === undefined
      ? undefined
      : `what answers at ${url} is no MCP server (${problem})`
  } finally {
    await probing.close()
  }
}
