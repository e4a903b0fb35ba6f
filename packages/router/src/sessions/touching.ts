import type { EventSink, SessionEvent } from '@mcp-router/core'
import type { SessionStore, TouchOutcome } from '@mcp-router/store'
import type { RouterOptions } from '../deps.js'
import { createClockStep } from './clock-step.js'
import type { HeldSession } from './held.js'
import { isInUse } from './quota.js'
import type { Restorer } from './restore.js'

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

interface Options {
  readonly store: Pick<SessionStore, 'touch'>
  readonly restorer: Pick<Restorer, 'look' | 'restore'>
  readonly events: EventSink
  readonly options: TouchOptions
  readonly held: () => Iterable<HeldSession>
  readonly onTouching: (now: number) => void
  readonly onLapse: (entry: HeldSession, why: Lapse) => void
  /** Nobody used its process for a while. */
  readonly onRest: (entry: HeldSession) => void
  /** It was not used for a while, though its record lives on. */
  readonly onIdle: (entry: HeldSession) => void
}

/** Touching tells the store now and then which Sessions are in use, and learns from it which are not this Instance's any more. */
export interface Touching {
  /** Does so now: what was another Instance's for a while must not wait for the next time. */
  now(): Promise<void>
  /** Tells it for the last time. */
  close(): Promise<void>
}

/** What nobody used for this long leaves the cache; the record stays. */
const cacheIdleMs = 120_000
const batch = 500

export const createTouching = (given: Options): Touching => {
  const { store, restorer, events, options, held } = given
  const clockStep = createClockStep()

  const touch = async (): Promise<void> => {
    const now = Date.now()
    const all = [...held()]
    // Nobody was idle while the clock was set forward.
    const stepMs = clockStep()
    if (stepMs > 0) for (const entry of all) entry.usedAt += stepMs
    // Also where nothing is due: what is idle here may be looked for elsewhere.
    if (all.length > 0) await restorer.look().catch(() => undefined)
    given.onTouching(now)
    const due: HeldSession[] = []
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

  const expire = (entry: HeldSession, now: number): void => {
    const idle = now - entry.usedAt
    if (idle > options.sessionTtlMs) given.onLapse(entry, 'unused')
    else if (isRunning(entry) && idle > options.idleUpstreamMs) given.onRest(entry)
    else if (idle > cacheIdleMs) given.onIdle(entry)
  }

  const touchSome = async (due: readonly HeldSession[], now: number): Promise<void> => {
    for (const entry of due) entry.used = false
    const askedAt = performance.now()
    const touches = due.map(({ record }) => ({ id: record.id, epoch: record.epoch }))
    const outcomes = await store.touch(touches, now).catch(() => undefined)
    const wasEmptied =
      outcomes?.includes('gone') && (await restorer.look(askedAt).catch(() => true))
    const settled = due.map(async (entry, at) => {
      // The store is away, or was emptied: the Session lives on from memory and is touched again next time.
      const outcome = outcomes?.[at]
      const isGone = outcome === 'gone' && !wasEmptied && !(await isRestored(entry))
      if (!outcome || (outcome === 'gone' && !isGone)) entry.used = true
      else if (outcome !== 'kept') given.onLapse(entry, outcome)
    })
    await Promise.all(settled)
  }

  /** A record that is gone though nobody ended the Session, which is in use here. */
  const isRestored = async (entry: HeldSession): Promise<boolean> =>
    (await restorer.restore(entry).catch(() => 'restored')) !== 'ended'

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
    now: next,
    async close() {
      clearInterval(timer)
      await underway
      await touch().catch(() => undefined)
    },
  }
}

/** isRunning tells that a process of its own belongs to a Session. */
const isRunning = ({ endpoint, live }: HeldSession): boolean =>
  endpoint.transport === 'stdio' && live?.isReady() === true
