import type { Called } from './caller.js'
import { isWithoutAll } from './fault.js'
import type { Fault } from './fault.js'

/** Instances hold what they would write to Redis for 5 s; behind that a call may run twice, as the README says. */
const redisPatienceMs = 5_000
/** From a kill to when everybody has noticed. */
export const noticedMs = 1_000

const isAway = ({ kind }: Fault): boolean => kind === 'redis-kill' || kind === 'redis-away'

export const isLongAway = (fault: Fault): boolean =>
  isAway(fault) && (fault.untilMs ?? Infinity) - fault.atMs > redisPatienceMs

/** isDuring tells whether a call met a fault, or the moment behind it in which all find each other again. */
export const isDuring = (
  { atMs, untilMs = Infinity }: Fault,
  fromMs: number,
  toMs: number,
): boolean => atMs <= toMs && untilMs + noticedMs >= fromMs

/** What the README says of a fault: calls that meet it may be refused with this, and have not run. */
const documented: readonly (readonly [text: RegExp, isCause: (fault: Fault) => boolean])[] = [
  [/session store cannot be reached/, isLongAway],
  // What it had begun only the instance knew that is gone.
  [/^told unknown, .*the instance stopped before responding/, isLongAway],
  // A paused instance holds the stream that Nginx gave it, and the session is elsewhere.
  [
    /stream of this session is closed/,
    (fault) => fault.kind === 'instance-stop' || isLongAway(fault),
  ],
]

/** wasRefused tells that a call failed while nobody could have answered it, and that it was told so. */
export const wasRefused = (
  faults: readonly Fault[],
  { caller, fromMs, toMs, outcome }: Called,
): boolean => {
  if (outcome.kind !== 'failed') return false
  const met = faults.filter((fault) => isDuring(fault, fromMs, toMs))
  if (met.some((fault) => isWithoutAll(fault, caller.backend))) return true
  return documented.some(([text, isCause]) => text.test(outcome.text) && met.some(isCause))
}

/**
 * wasUnstored tells that state of a session may be gone with who alone knew where it was: the server had taken it while Redis was away, and
 * an instance was killed before Redis was back.
 */
export const wasUnstored = (faults: readonly Fault[], { outcome }: Called): boolean =>
  outcome.kind === 'forgot' &&
  faults.some(
    (away) =>
      isAway(away) &&
      isDuring(away, outcome.sinceMs, outcome.sinceMs) &&
      faults.some(
        ({ kind, atMs }) =>
          (kind === 'instance-kill' || kind === 'cluster-stop') &&
          atMs >= outcome.sinceMs &&
          isDuring(away, atMs, atMs),
      ),
  )
