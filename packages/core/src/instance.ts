import type { InstanceId } from './ids.js'

/** Instance is a Gateway's entry in the cluster, alive while its lease is. */
export interface Instance {
  readonly id: InstanceId
  /** Where other Instances reach it: `http://host:port`. */
  readonly address: string
  readonly pid: number
  /** ms since the epoch */
  readonly startedAt: number
  /** Sessions that this Instance holds live. */
  readonly sessions: number
  /** While it drains: where it still takes what belongs to calls under way. Absent: it does not drain. */
  readonly back?: string
  /** Of the cluster secret that it uses. Absent: not known. */
  readonly secretDigest?: string
}
