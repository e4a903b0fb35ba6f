import type { Env } from '@mcp-router/config'
import type { RunAs } from '@mcp-router/core'
import type { ServerPort } from '../server-ports.js'
import type { Settings } from '../restart/settings.js'

/** Stage is when a process is started: each stage needs the ones before it. */
export type Stage = 'redis' | 'backend' | 'instance' | 'nginx'

export const stages: readonly Stage[] = ['redis', 'backend', 'instance', 'nginx']

/** stageOf tells the stage by the name of a pid file; undefined: not one of ours. */
export const stageOf = (name: string): Stage | undefined => {
  if (name === 'redis' || name === 'nginx') return name
  if (/^router-\d+$/.test(name)) return 'instance'
  return /^backend-\d+$/.test(name) ? 'backend' : undefined
}

/**
 * Health: undefined when the process answers as it should, else why it does not count as healthy.
 */
export type Health = string | undefined

/** Listen is the port that a process needs, and the variable that changes it. */
export interface Listen {
  readonly host: string
  readonly port: number
  readonly variable: string
}

/** ClusterProcess is one process of the cluster: how it is started and how it is seen to work. */
export interface ClusterProcess {
  /** Names the pid file and the log: `router-8051`. */
  readonly name: string
  readonly stage: Stage
  /** For people: `instance router-instance-1`. */
  readonly what: string
  /** Where it is reached. */
  readonly address: string
  /** Undefined: it listens on a socket in the run directory. */
  readonly listen: Listen | undefined
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** Its environment, which every process of the same user can read in /proc. */
  readonly env: Env
  /** Variables that it gets on its standard input instead; see processEnv of `config`. */
  readonly privateEnv?: Env
  /** Variables that only take effect when it is started, with their values in effect. */
  readonly settings?: Settings
  /** Variables of the servers file, which an Instance reads with those that it was started with. */
  readonly serverPorts?: readonly ServerPort[]
  /** Undefined: the user of this command. */
  readonly runAs?: RunAs
  /** Writes what the process reads when it starts. */
  readonly prepare: () => void
  readonly health: () => Promise<Health>
  /** The same of a process that somebody else runs in its place, where that may be used. */
  readonly foreignHealth?: () => Promise<Health>
}
