import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '@mcp-router/testkit/process'
import { type StubBackend, startStub } from './backend.js'
import { type Children, openChildren } from './children.js'
import { type BenchInstance, startInstance } from './instance.js'
import { startBareNginx, startClusterNginx } from './nginx.js'
import type { ProcessGroup, Proxy } from './proxy.js'
import { startRedis } from './redis.js'
import { familyOf } from './usage.js'

/** Via is what a row's calls go through. */
export type Via = 'nginx' | 'instance' | 'compared' | 'cluster'

/** Rig is everything that a run has started. */
export interface Rig {
  readonly stub: StubBackend
  readonly proxies: ReadonlyMap<Via, Proxy>
  /** Starts one more instance, for a row that needs a fresh one. */
  startInstance(name: string, nodeArgs?: readonly string[]): Promise<BenchInstance>
}

export interface RigSpec {
  readonly runDir: string
  readonly cli: string
  /** The build of `compared`. */
  readonly compare: string | undefined
  readonly vias: ReadonlySet<Via>
}

/** openRunDir empties the run's folder and opens its processes. */
export const openRunDir = async (runDir: string): Promise<Children> => {
  await rm(runDir, { recursive: true, force: true })
  await mkdir(join(runDir, 'logs'), { recursive: true })
  return openChildren(join(runDir, 'logs'))
}

/** openRig starts what the asked-for rows need, on free ports; `children` ends it. */
export const openRig = async (
  { runDir, cli, compare, vias }: RigSpec,
  children: Children,
): Promise<Rig> => {
  const stub = await startStub(children)
  const serversFile = join(runDir, 'mcp-servers.yaml')
  await writeFile(serversFile, servers(stub.port))
  let redisPort: number | undefined
  // Two numbered databases: the lone instance is no member of the cluster beside it.
  const router = async (
    name: string,
    database: 0 | 1 | 2,
    nodeArgs: readonly string[] = [],
    build = cli,
  ) => {
    redisPort ??= await startRedis(children, join(runDir, 'redis'))
    const redisUrl = `redis://127.0.0.1:${redisPort}/${database}`
    return startInstance(children, { name, cli: build, redisUrl, serversFile, runDir, nodeArgs })
  }
  const place = async (name: string) => ({
    name,
    dir: join(runDir, name),
    port: await freePorts(1),
  })
  const open: Record<Via, () => Promise<Proxy>> = {
    nginx: async () => {
      const { child, base } = await startBareNginx(children, await place('nginx'), stub.port)
      return { base, groups: [nginxGroup(child.pid)], children: [child], shares: 1, logs: [] }
    },
    instance: async () => alone(await router('instance', 0)),
    compared: async () => alone(await router('compared', 2, [], compare)),
    cluster: async () => {
      const instances: BenchInstance[] = []
      for (const n of [1, 2, 3]) instances.push(await router(`cluster-${n}`, 1))
      const addresses = instances.map((one) => `127.0.0.1:${one.port}`)
      const nginx = await startClusterNginx(children, await place('cluster-nginx'), addresses)
      return {
        base: nginx.base,
        groups: [nginxGroup(nginx.child.pid), instanceGroup('instances', instances)],
        children: [nginx.child, ...instances.map((one) => one.child)],
        shares: instances.length,
        logs: [nginx.accessLog, ...instances.map((one) => one.logFile)],
      }
    },
  }
  const proxies = new Map<Via, Proxy>()
  for (const via of vias) proxies.set(via, await open[via]())
  return { stub, proxies, startInstance: (name, nodeArgs) => router(name, 0, nodeArgs) }
}

const alone = (one: BenchInstance): Proxy => ({
  base: one.base,
  groups: [instanceGroup('instance', [one])],
  children: [one.child],
  shares: 1,
  logs: [one.logFile],
})

const nginxGroup = (master: number): ProcessGroup => ({
  name: 'nginx',
  pids: () => familyOf(master),
})

const instanceGroup = (name: string, instances: readonly BenchInstance[]): ProcessGroup => ({
  name,
  pids: () => Promise.resolve(instances.map((one) => one.child.pid)),
})

const servers = (port: number): string => `servers:
  stub:
    url: http://127.0.0.1:${port}/mcp
  stub-sse:
    url: http://127.0.0.1:${port}/sse-mcp
  stub-modern:
    url: http://127.0.0.1:${port}/modern-mcp
`
