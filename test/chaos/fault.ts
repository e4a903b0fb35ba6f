/** faultKinds is the one list of what is done to the cluster; each has its row in the table. */
export const faultKinds = [
  'instance-kill',
  'instance-stop',
  'instance-term',
  'endpoint-kill',
  'child-kill',
  'redis-kill',
  'nginx-reload',
  'cut',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Fault is one that happened. Times are milliseconds since the start of the run. */
export interface Fault {
  readonly kind: FaultKind
  /** What it hit: `router-instance-2`, `sse`, `client 7`. */
  readonly target: string
  readonly atMs: number
  /** When it was over: what was down runs again, though it may still be starting. Undefined: not yet. */
  untilMs: number | undefined
  /** Nobody stands in for what is down, or it holds calls without answering: the time until then counts for nobody's recovery. */
  readonly excused: boolean
}

/** faultText names a fault for a person. */
export const faultText = ({ kind, target, atMs, untilMs }: Fault): string => {
  const until = untilMs === undefined ? '…' : seconds(untilMs)
  return `${kind} ${target} at ${seconds(atMs)}${untilMs === atMs ? '' : `–${until}`}`
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
