import { execFile } from 'node:child_process'
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mainConf } from '@mcp-router/nginx'
import { freePorts, isAlive, isListening, processAt } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'
import { findBinary } from '../load/binary.js'
import { bundleFixture } from './bundle.js'
import type { Mortal, Mortals } from './mortal.js'
import { openMortals } from './mortal.js'

/** RigEndpoint is a process of the fixture, and the Backend that it belongs to. */
export interface RigEndpoint {
  readonly backend: string
  readonly process: Mortal
  /** Its Backend has no other. */
  readonly isAlone: boolean
}

/** Rig is the cluster of a run. */
export interface Rig {
  readonly gateway: string
  readonly redis: Mortal
  readonly nginx: Mortal
  readonly instances: readonly Mortal[]
  readonly endpoints: readonly RigEndpoint[]
  /** Where each execution that must not happen twice left a line. */
  readonly ledger: string
  /** In the command line of every child that an instance runs, and of nobody else. */
  readonly childMark: string
}

const run = promisify(execFile)
/** By this the instances believe the X-Request-Id of Nginx, so that Nginx may send a POST on. */
const proxySecret = 'what-the-nginx-of-the-chaos-shows'
const instanceCount = 3
const listening = [
  ['http-stateful', '/mcp'],
  ['http-stateful', '/mcp'],
  ['http-modern', '/mcp'],
  ['http-modern', '/mcp'],
  ['sse', '/sse'],
] as const

/** openRunDir empties the folder of the run. It rejects while another run uses it. */
export const openRunDir = async (runDir: string): Promise<Mortals> => {
  const runFile = join(runDir, 'run.json')
  const other = await readFile(runFile, 'utf8').then(
    (text) => JSON.parse(text) as Process,
    () => undefined,
  )
  if (other && isAlive(other))
    throw new Error(
      `process ${other.pid} uses ${runDir}; wait for its end, or set MCP_RUN_DIR to another folder`,
    )
  await rm(runDir, { recursive: true, force: true })
  for (const name of ['logs', 'pids', 'nginx', 'redis'])
    await mkdir(join(runDir, name), { recursive: true })
  await writeFile(runFile, JSON.stringify(processAt(process.pid)))
  return openMortals(join(runDir, 'logs'), join(runDir, 'ledger'))
}

/** openRig starts a cluster on free ports; `mortals` ends it. */
export const openRig = async (runDir: string, cli: string, mortals: Mortals): Promise<Rig> => {
  await access(cli).catch((cause: unknown) => {
    throw new Error(`${cli} is missing: build first (npm run build)`, { cause })
  })
  const fixture = await bundleFixture(join(runDir, 'fixture'))
  const first = await freePorts(2 + instanceCount + listening.length)
  const ledger = join(runDir, 'ledger')
  await writeFile(ledger, '')
  await writeFile(`${ledger}.begun`, '')
  const redisPort = first
  const redis = mortals.add(await redisSpec(runDir, redisPort))
  const endpoints = listening.map(([backend, path], n): RigEndpoint & { readonly url: string } => {
    const port = first + 2 + instanceCount + n
    const name = `${backend}-${port}`
    const args = [fixture, '--kind', backend, '--ledger', ledger, '--port', String(port)]
    const isReady = (): Promise<boolean> => isListening(port)
    return {
      backend,
      url: `http://127.0.0.1:${port}${path}`,
      isAlone: listening.filter(([other]) => other === backend).length === 1,
      process: mortals.add({ name, command: process.execPath, args, isReady }),
    }
  })
  const serversFile = join(runDir, 'mcp-servers.yaml')
  await writeFile(serversFile, serversText(endpoints, fixture, ledger))
  const instancePorts = Array.from({ length: instanceCount }, (_, n) => first + 2 + n)
  const instances = instancePorts.map((port, n) => {
    const name = `router-instance-${n + 1}`
    return mortals.add({
      name,
      command: process.execPath,
      args: [cli, 'serve'],
      env: {
        PORT: String(port),
        INSTANCE_ID: name,
        REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        MCP_SERVERS_FILE: serversFile,
        MCP_RUN_DIR: runDir,
        PROXY_SECRET: proxySecret,
        LOG_FILE: join(runDir, 'logs', `${name}.log`),
      },
      isReady: async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
    })
  })
  const nginx = mortals.add(await nginxSpec(runDir, cli, first + 1, instancePorts))
  await Promise.all([redis, ...endpoints.map((each) => each.process)].map((each) => each.start()))
  await Promise.all(instances.map((each) => each.start()))
  await nginx.start()
  const gateway = `http://127.0.0.1:${first + 1}`
  return {
    gateway,
    redis,
    nginx,
    instances,
    endpoints,
    ledger,
    childMark: `stdio --ledger ${ledger}`,
  }
}

/** JSON is YAML. */
const serversText = (
  endpoints: readonly { readonly backend: string; readonly url: string }[],
  fixture: string,
  ledger: string,
): string => {
  const urls = (backend: string): readonly object[] =>
    endpoints.filter((each) => each.backend === backend).map(({ url }) => ({ url }))
  const sse = urls('sse').map((each) => ({ ...each, transport: 'sse' }))
  const servers = {
    'http-stateful': { endpoints: urls('http-stateful') },
    'http-modern': { endpoints: urls('http-modern') },
    sse: { endpoints: sse },
    stdio: { command: process.execPath, args: [fixture, '--kind', 'stdio', '--ledger', ledger] },
  }
  return JSON.stringify({ servers }, null, 2)
}

/** With an append-only file, as in production: what was written is there again after a crash. */
const redisSpec = async (runDir: string, port: number) => {
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: join(runDir, 'redis'),
    save: '',
    appendonly: 'yes',
    // As the private Redis of a cluster.
    appendfsync: 'no',
  }
  return {
    name: 'redis',
    command: await findBinary('redis-server'),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    isReady: () => isListening(port),
  }
}

/** The site is what the build prints for operators, taking the instances in turn: two requests of three land where their session is not. */
const nginxSpec = async (
  runDir: string,
  cli: string,
  port: number,
  instancePorts: readonly number[],
) => {
  const dir = join(runDir, 'nginx')
  const [siteFile, file] = [join(dir, 'site.conf'), join(dir, 'nginx.conf')]
  const addresses = instancePorts.map((each) => `127.0.0.1:${each}`)
  const args = ['--affinity', 'round_robin', '--listen', `127.0.0.1:${port}`]
  const { stdout: site } = await run(
    process.execPath,
    [cli, 'nginx', ...args, '--instance', ...addresses],
    { env: { MCP_SERVERS_FILE: join(runDir, 'mcp-servers.yaml'), PROXY_SECRET: proxySecret } },
  )
  await writeFile(siteFile, site)
  await writeFile(file, mainConf({ runDir, siteFile }))
  return {
    name: 'nginx',
    command: await findBinary('nginx'),
    args: ['-p', dir, '-e', join(runDir, 'logs', 'nginx.log'), '-c', file, '-g', 'daemon off;'],
    isReady: () => isListening(port),
  }
}
