import type { ClusterConfig, Env } from '@mcp-router/config'
import { backendProcess } from './backend.js'
import { instanceProcess } from './instance.js'
import { nginxProcess } from './nginx.js'
import { stageOf, type ClusterProcess } from './run/process.js'
import { redisProcess } from './redis.js'
import { recorded } from './run/pid-file.js'
import { runFiles, type RunFiles } from './run/run-files.js'

/** Cluster is what should run on this machine, in the order in which it is started. */
export interface Cluster {
  readonly config: ClusterConfig
  readonly env: Env
  readonly files: RunFiles
  readonly processes: readonly ClusterProcess[]
}

/** clusterOf plans the processes of a configuration; it starts nothing. */
export const clusterOf = (config: ClusterConfig, env: Env): Cluster => {
  const files = runFiles(config.runDir)
  const redis = config.redisUrl === undefined ? [redisProcess(config, files, env)] : []
  const { backends, serversFile } = config
  const managed = config.managed.map((each) =>
    backendProcess({ managed: each, backends, serversFile }, env),
  )
  const instances = Array.from({ length: config.instances }, (_, index) =>
    instanceProcess(config, files, env, index + 1),
  )
  const nginx = nginxProcess(config, files, env)
  return { config, env, files, processes: [...redis, ...managed, ...instances, nginx] }
}

/** leftOvers are the processes with a pid file that are not, or no longer, in the configuration. */
export const leftOvers = ({ files, processes }: Cluster): readonly string[] => {
  const known = processes.map(({ name }) => name)
  return recorded(files).filter((name) => !known.includes(name) && stageOf(name) !== undefined)
}
