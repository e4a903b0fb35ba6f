/** faultKinds is the one list of what is done to the cluster; each has its row in the table. */
export const faultKinds = [
  'instance-kill',
  'instance-stop',
  'instance-term',
  'endpoint-kill',
  'child-kill',
  'redis-kill',
  'redis-away',
  'nginx-reload',
  'cut',
  'cluster-stop',
  'endpoint-flap',
  'client-restart',
  'second-window',
  'second-get',
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

/** isWithoutAll tells that nobody runs who could answer: no Instance, or the only endpoint of a Backend for a moment at a time. */
export const isWithoutAll = ({ kind, target, excused }: Fault, backend: string): boolean =>
  kind === 'cluster-stop' ||
  (kind === 'endpoint-flap' && excused && target.startsWith(`${backend}-`))

/** isDown tells that it is so now. */
export const isDown = (faults: readonly Fault[], backend: string): boolean =>
  faults.some((fault) => fault.untilMs === undefined && isWithoutAll(fault, backend))

/** faultText names a fault for a person. */
export const faultText = ({ kind, target, atMs, untilMs }: Fault): string => {
  const until = untilMs === undefined ? '…' : seconds(untilMs)
  return `${kind} ${target} at ${seconds(atMs)}${untilMs === atMs ? '' : `–${until}`}`
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
