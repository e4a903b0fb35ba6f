import type { Env } from '@mcp-router/config'

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
  readonly env: Env
  /** Writes what the process reads when it starts. */
  readonly prepare: () => void
  readonly health: () => Promise<Health>
}
