import type { EventSink, SessionEvent } from '@mcp-router/core'
import type { TouchOutcome } from '@mcp-router/store'
import type { RouterOptions } from '../deps.js'
import { isInUse } from './entry.js'
import type { SessionEntry } from './entry.js'
import { createClockStep } from './records.js'
import type { Records } from './records.js'

/** Lapse is why a Session is no longer held here; `refused`: it is gone or has another Owner, which of both is not known. */
export type Lapse = Exclude<TouchOutcome, 'kept'> | 'unused' | 'refused'

/** lapses are how each is reported: the action, and its cause. */
export const lapses: Readonly<Record<Lapse, readonly [SessionEvent['action'], string]>> = {
  unused: ['expired', 'unused for its whole lifetime (MCP_SESSION_TTL_MS)'],
  gone: ['expired', 'its record was gone from the store'],
  superseded: ['released', 'another instance had taken it over'],
  refused: ['released', 'another instance had taken it over, or its record was gone'],
}

export type TouchOptions = Pick<RouterOptions, 'sessionTtlMs' | 'touchMs' | 'idleUpstreamMs'>

interface Deps {
  readonly records: Pick<Records, 'look' | 'touch'>
  readonly events: EventSink
  readonly options: TouchOptions
  readonly held: () => Iterable<SessionEntry>
  readonly onLapse: (entry: SessionEntry, why: Lapse) => void
  /** Nobody used its process for a while. */
  readonly onRest: (entry: SessionEntry) => void
  /** It was not used for a while, though its record lives on. */
  readonly onIdle: (entry: SessionEntry) => void
}

/** What nobody used for this long leaves the cache; the record stays. */
const cacheIdleMs = 120_000
const batch = 500

/** createTouching tells the store now and then which Sessions are in use, and learns from it which are not this Instance's any more. */
export const createTouching = (deps: Deps) => {
  const { records, events, options, held, onLapse } = deps
  const clockStep = createClockStep()

  const touch = async (): Promise<void> => {
    const now = Date.now()
    const all = [...held()]
    // Nobody was idle while the clock was set forward.
    const stepMs = clockStep()
    if (stepMs > 0) for (const entry of all) entry.usedAt += stepMs
    // Also where nothing is due: what is idle here may be looked for elsewhere.
    if (all.length > 0) await records.look().catch(() => undefined)
    const due: SessionEntry[] = []
    for (const entry of all) {
      const isUsed = isInUse(entry)
      // An idle time counts from the last use, not from the last message.
      if (isUsed) entry.usedAt = now
      if (entry.used || isUsed) due.push(entry)
      else expire(entry, now)
    }
    for (let from = 0; from < due.length; from += batch)
      await touchSome(due.slice(from, from + batch), now)
  }

  const expire = (entry: SessionEntry, now: number): void => {
    const idle = now - entry.usedAt
    const isRunning = entry.endpoint.transport === 'stdio' && entry.live?.isReady() === true
    if (idle > options.sessionTtlMs) onLapse(entry, 'unused')
    else if (isRunning && idle > options.idleUpstreamMs) deps.onRest(entry)
    else if (idle > cacheIdleMs) deps.onIdle(entry)
  }

  const touchSome = async (due: readonly SessionEntry[], now: number): Promise<void> => {
    for (const entry of due) entry.used = false
    const outcomes = await records.touch(due, now)
    for (const [at, entry] of due.entries()) {
      const outcome = outcomes[at]
      if (!outcome) entry.used = true
      else if (outcome !== 'kept') onLapse(entry, outcome)
    }
  }

  let underway = Promise.resolve()
  const next = (): Promise<void> => {
    underway = underway.then(touch).catch((error: unknown) => {
      if (error instanceof Error) events.emit({ kind: 'fault', doing: 'touching sessions', error })
    })
    return underway
  }
  const timer = setInterval(() => void next(), options.touchMs)
  timer.unref()

  return {
    /** now does so at once: what was another Instance's for a while must not wait for the next time. */
    now: next,
    /** close does so for the last time. */
    async close(): Promise<void> {
      clearInterval(timer)
      await underway
      await touch().catch(() => undefined)
    },
  }
}
