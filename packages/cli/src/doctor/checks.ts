import type { ClusterConfig, Env } from '@mcp-router/config'
import { reasonOf } from '@mcp-router/core'
import { databaseAdvice } from '@mcp-router/store'
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBinary } from '../binary.js'
import { asRunning } from '../cluster/status/as-running.js'
import { clusterOf } from '../cluster/cluster.js'
import { loadCluster, type LoadedCluster } from '../cluster/load-cluster.js'
import { find } from '../cluster/run/pid-file.js'
import { portProblem } from '../cluster/run/port.js'
import { commandName, isCheckout, setupCommand } from '../command-name.js'
import { warnMisspelt } from '../misspelt.js'
import { findNginx } from '../nginx-dist.js'
import { askRedis, isSingleRedis } from '../redis.js'
import { missing, type Check } from './check.js'
import { installCommand, type SystemPackage } from './packages.js'

const oldestNode = 20

/** checkMachine looks at everything that the cluster needs of this machine. */
export const checkMachine = async (env: Env): Promise<readonly Check[]> => {
  const programs = [node(), ...pnpm(env), ...binaries(env)]
  const running = asRunning(env)
  const loaded = loadedOf(running)
  if ('problem' in loaded) return [...programs, loaded]
  const { config } = loaded
  warnMisspelt(env, config.serversFile)
  const rest = [runDir(config), await redis(config), ...(await ports(config, running))]
  return [...programs, serversFile(loaded), ...rest]
}

const node = (): Check => {
  const found = process.version
  const isOld = Number(process.versions.node.split('.')[0]) < oldestNode
  if (!isOld) return { what: 'node', found }
  return {
    what: 'node',
    problem: `${found} is too old`,
    fix: `install Node ${oldestNode} or later from nodejs.org`,
  }
}

const pnpm = (env: Env): readonly Check[] => {
  const own = fileURLToPath(new URL('../../../../.tools/node_modules/.bin/pnpm', import.meta.url))
  // An installed package is built.
  if (!isCheckout) return []
  const found = existsSync(own) ? own : findBinary('pnpm', env)
  if (found !== undefined) return [{ what: 'pnpm', found }]
  return [{ what: 'pnpm', problem: missing, fix: setupCommand, optional: true }]
}

const wanted: readonly (readonly [string, SystemPackage, boolean])[] = [
  ['nginx', 'nginx', false],
  ['redis-server', 'redis', false],
  ['redis-cli', 'redis', true],
  ['wrk', 'wrk', true],
]

/** The benchmark is not part of an installed package. */
const isOfUse = ([name]: (typeof wanted)[number]): boolean => isCheckout || name !== 'wrk'

const binaries = (env: Env): readonly Check[] =>
  wanted.filter(isOfUse).map(([name, of, optional]): Check => {
    const path = name === 'nginx' ? findNginx(env) : findBinary(name, env)
    if (path === undefined)
      return { what: name, problem: missing, fix: installCommand([of], env), optional }
    return { what: name, found: `${path} ${versionOf(path)}`.trim() }
  })

// nginx tells its version on stderr and takes -v; the others --version.
const versionOf = (path: string): string => {
  const option = path.endsWith('nginx') ? '-v' : '--version'
  const { stdout, stderr } = spawnSync(path, [option], { encoding: 'utf8', timeout: 5_000 })
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? ''
}

const loadedOf = (env: Env): LoadedCluster | (Check & { readonly problem: string }) => {
  try {
    return loadCluster(env)
  } catch (error) {
    return { what: 'configuration', problem: reasonOf(error), fix: 'see the lines above' }
  }
}

const serversFile = ({ config, mistake }: LoadedCluster): Check => {
  const what = 'servers file'
  if (mistake !== undefined) return { what, problem: mistake, fix: 'see the lines above' }
  const { serversFile: path, backends, invalid } = config
  if (invalid.length === 0) return { what, found: `${path} (${backends.length})` }
  // What is wrong with a server costs that server alone: the cluster runs without it.
  const problem = `${path}: ${backends.length} served, ${invalid.length} invalid`
  const fix = `\`${commandName} backends list\` shows what is wrong with each`
  return { what, problem, fix, optional: true }
}

const runDir = (config: ClusterConfig): Check => {
  let folder = config.runDir
  while (!existsSync(folder)) folder = dirname(folder)
  const fix = 'set MCP_RUN_DIR to a folder of your own'
  if (!statSync(folder).isDirectory())
    return { what: 'run directory', problem: `${folder} is not a folder`, fix }
  try {
    accessSync(folder, constants.W_OK)
    return { what: 'run directory', found: config.runDir }
  } catch {
    const problem = `${folder} is not writable`
    return { what: 'run directory', problem, fix }
  }
}

const redis = async ({ redisUrl }: ClusterConfig): Promise<Check> => {
  if (redisUrl === undefined)
    return { what: 'redis', found: 'a private one (REDIS_URL is not set)' }
  if (!isSingleRedis(redisUrl)) return { what: 'redis', found: 'REDIS_URL (not asked)' }
  const answer = await askRedis(redisUrl, ['PING'])
  if (!('failed' in answer)) return { what: 'redis', found: 'REDIS_URL answers' }
  const problem = answer.failed
  const fix = databaseAdvice(problem) ?? 'start it, or correct or unset REDIS_URL'
  return { what: 'redis', problem, fix }
}

const ports = (config: ClusterConfig, env: Env): Promise<readonly Check[]> => {
  const { files, processes } = clusterOf(config, env)
  const listening = processes.flatMap((process) =>
    process.listen === undefined ? [] : [{ ...process, listen: process.listen }],
  )
  return Promise.all(
    listening.map(async ({ name, listen, foreignHealth }): Promise<Check> => {
      const what = `port ${listen.port} (${name})`
      if (find(files, name).kind === 'running') return { what, found: 'used by this cluster' }
      const problem = await portProblem(listen)
      if (problem === undefined) return { what, found: 'free' }
      if (foreignHealth !== undefined && (await foreignHealth()) === undefined)
        return { what, found: 'in use by an MCP server, which is used as it is' }
      return { what, problem, fix: `change ${listen.variable}` }
    }),
  )
}
