import { cpus } from 'node:os'
import { autocannonDriver } from './autocannon.js'
import { findBinary, hasBinary } from './binary.js'
import type { Request } from './traffic.js'
import { wrkDriver } from './wrk.js'

/** Load is what a driver saw. */
export interface Load {
  readonly calls: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers outside 2xx and broken or timed-out connections, by kind; only those that happened. */
  readonly failures: Readonly<Record<string, number>>
}

export interface DriveSpec {
  readonly base: string
  readonly requests: readonly Request[]
  readonly seconds: number
  readonly connections: number
}

/** Driver sends requests over kept connections as fast as they are answered. */
export interface Driver {
  readonly name: string
  drive(spec: DriveSpec): Promise<Load>
}

/** openDriver takes wrk where it is installed and autocannon elsewhere. */
export const openDriver = async (runDir: string, signal: AbortSignal): Promise<Driver> => {
  if (!(await hasBinary('wrk'))) return autocannonDriver(runDir, signal)
  const threads = cpus().length < 4 ? 1 : 2
  return wrkDriver({ runDir, binary: await findBinary('wrk'), threads, signal })
}
