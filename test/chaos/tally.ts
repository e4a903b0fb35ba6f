import type { Called } from './caller.js'
import type { Fault, FaultKind } from './fault.js'
import { faultKinds } from './fault.js'
import { isDuring, isLongAway, noticedMs, wasRefused, wasUnstored } from './refusal.js'
import { recoveriesOf } from './recovery.js'
import type { Begun } from './recovery.js'

/** Figures is one row: what became of the calls that a kind of fault is blamed for. */
export interface Figures {
  readonly fault: FaultKind | 'none' | 'all'
  readonly faults: number
  readonly calls: number
  readonly answered: number
  readonly toldUnknown: number
  readonly failed: number
  readonly hung: number
  /** Calls that came to the result of another call. */
  readonly wrong: number
  /** State of a session that was gone though its server lived. */
  readonly forgot: number
  /** Of such state, what only instances knew that were killed while Redis was away; not in `forgot`. */
  readonly forgotAway: number
  readonly twice: number
  /** Of those that ran twice, the ones that met Redis away for longer than its patience; not in `twice`. */
  readonly twiceAway: number
  readonly lost: number
  readonly modernCut: number
  /** Calls that met a connection which Nginx closed because it was reloaded: not delivered, not run. */
  readonly reset: number
  /** Calls that were refused, and did not run, where nobody could have answered them (wasRefused). */
  readonly refused: number
  /** Calls whose client ended. */
  readonly givenUp: number
  /** Time to the first good answer after a fault, over all faults and clients. NaN: nobody needed one. */
  readonly recoveryP50Ms: number
  readonly recoveryMaxMs: number
}

/** Loss is a session that stopped being usable. */
export interface Loss {
  readonly atMs: number
  readonly client: string
  readonly why: string
}

/** Happened is all that happened. */
export interface Happened {
  readonly calls: readonly Called[]
  readonly losses: readonly Loss[]
  readonly faults: readonly Fault[]
  /** The ledger: which calls ran, in order. */
  readonly ran: readonly string[]
  readonly begun?: Begun | undefined
}

/**
 * How undici tells that a kept connection was closed before it had an answer. At the other side is Nginx, always: reloaded, its old workers
 * close their idle connections at once, and those with a response under way behind that, whenever it ends.
 */
const closedEarly = /other side closed|ECONNRESET/

/** figuresOf is one row for each kind of fault, one for calls before any, and the sum. */
export const figuresOf = (happened: Happened): readonly Figures[] => {
  const { calls, losses, faults, ran } = happened
  const times = countOf(ran)
  const recoveries = recoveriesOf(calls, faults, happened.begun)
  const reloads = faults.filter(({ kind }) => kind === 'nginx-reload')
  const isRefused = (called: Called): boolean => wasRefused(faults, called)
  const isAway = ({ fromMs, toMs }: Called): boolean =>
    faults.some((fault) => isLongAway(fault) && isDuring(fault, fromMs, toMs))
  const isReset = ({ call, toMs, outcome }: Called): boolean =>
    outcome.kind === 'failed' &&
    closedEarly.test(outcome.text) &&
    !times.has(call.id) &&
    reloads.some(({ atMs }) => atMs <= toMs)
  const row = (fault: Figures['fault']): Figures => {
    const isIts = (blamed: Fault | undefined): boolean =>
      fault === 'all' || (blamed?.kind ?? 'none') === fault
    const own = calls.filter((called) => isIts(blamedForCall(faults, called)))
    const count = (kind: Called['outcome']['kind']): number =>
      own.filter(({ outcome }) => outcome.kind === kind).length
    const twice = own.filter(({ call }) => (times.get(call.id) ?? 0) > 1)
    const unstored = own.filter((each) => wasUnstored(faults, each)).length
    const waits = recoveries.filter((each) => isIts(each.fault)).map(({ waitMs }) => waitMs)
    return {
      fault,
      faults: faults.filter((each) => isIts(each)).length,
      calls: own.length,
      answered: count('answered'),
      toldUnknown: count('told unknown'),
      failed: count('failed') - own.filter((each) => isReset(each) || isRefused(each)).length,
      hung: count('hung'),
      wrong: count('wrong'),
      forgot: count('forgot') - unstored,
      forgotAway: unstored,
      twice: twice.filter((each) => !isAway(each)).length,
      twiceAway: twice.filter(isAway).length,
      lost: losses.filter(({ atMs }) => isIts(blamedFor(faults, atMs, atMs))).length,
      modernCut: count('modern cut'),
      reset: own.filter(isReset).length,
      refused: own.filter((each) => isRefused(each) && !isReset(each)).length,
      givenUp: count('given up'),
      recoveryP50Ms: quantile(waits, 0.5),
      recoveryMaxMs: quantile(waits, 1),
    }
  }
  return [...faultKinds.map(row), row('none'), row('all')].filter(
    ({ fault, faults: n, calls: m }) => fault === 'all' || n > 0 || m > 0,
  )
}

/**
 * blamedFor is the fault that a time is told with: the youngest that was not yet over, else the last one before its end. Undefined: there
 * was none.
 */
export const blamedFor = (
  faults: readonly Fault[],
  fromMs: number,
  toMs: number,
): Fault | undefined => {
  const before = faults.filter(({ atMs }) => atMs <= toMs)
  return (
    before.findLast(({ untilMs }) => untilMs === undefined || untilMs >= fromMs) ?? before.at(-1)
  )
}

/** blamedForCall is the fault that a call is told with: one that hung is told with the fault that held for most of its time. */
export const blamedForCall = (
  faults: readonly Fault[],
  { fromMs, toMs, outcome }: Called,
): Fault | undefined => {
  if (outcome.kind !== 'hung') return blamedFor(faults, fromMs, toMs)
  const heldMs = ({ atMs, untilMs = Infinity }: Fault): number =>
    Math.min(toMs, untilMs) - Math.max(fromMs, atMs)
  const [longest] = faults.toSorted((a, b) => heldMs(b) - heldMs(a))
  return longest && heldMs(longest) > 0 ? longest : blamedFor(faults, fromMs, toMs)
}

/** Faults that end what runs calls. */
const kills: ReadonlySet<FaultKind> = new Set([
  'instance-kill',
  'instance-stop',
  'instance-term',
  'endpoint-kill',
  'child-kill',
  'cluster-stop',
  'endpoint-flap',
])

/** unknownWithoutCause are calls that were told unknown though nothing that could have run them was hit meanwhile. */
export const unknownWithoutCause = ({ calls, faults }: Happened): readonly Called[] => {
  const ends = faults.filter(({ kind }) => kills.has(kind))
  return calls.filter(
    ({ outcome, fromMs, toMs }) =>
      outcome.kind === 'told unknown' &&
      !ends.some(({ atMs, untilMs = Infinity }) => atMs <= toMs && untilMs + noticedMs >= fromMs),
  )
}

/** neverRan are calls that were answered, and yet left no line in the ledger. */
export const neverRan = ({ calls, ran }: Happened): readonly Called[] => {
  const times = countOf(ran)
  return calls.filter(
    ({ outcome, call, retrySafe }) =>
      outcome.kind === 'answered' && !retrySafe && !times.has(call.id),
  )
}

export const countOf = (ran: readonly string[]): ReadonlyMap<string, number> => {
  const times = new Map<string, number>()
  for (const id of ran) times.set(id, (times.get(id) ?? 0) + 1)
  return times
}

/** quantile of no values is NaN. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
