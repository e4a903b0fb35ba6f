import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { isInteractive } from '@mcp-router/protocol'
import type { ListChanges } from '../changes.js'
import { endpointKey } from '../era/endpoint-key.js'
import type { Dialer } from '../open.js'
import { isFinal, notOpened } from '../failure.js'
import { discard } from '../upstream.js'
import { Lane } from './lane.js'
import { keyOf, laneInitialize } from './terms.js'
import type { LaneTerms } from './terms.js'
import { createTurns } from './turns.js'

/** Lanes keeps the Lanes of one Instance. */
export interface Lanes {
  /**
   * A free Lane, opened if need be. Where there are too many already the longest parked one makes room, after it had some time; meanwhile
   * it waits for its turn, as long as a call may take, if each is a process; else, and after that, OVERLOADED. Its call must end with `give`.
   */
  take(backend: Backend, endpoint: Endpoint, terms: LaneTerms): Promise<Lane>
  /** One on which many may listen, free or not. */
  share(backend: Backend, endpoint: Endpoint, terms: LaneTerms): Promise<Lane>
  /** Takes back a Lane whose call is over, answered or abandoned. */
  give(lane: Lane): void
  /** The call of this Lane waits for its client, who may never come back: `end` gives it up when others have waited for the room. */
  park(lane: Lane, end: () => void): void
  /** Its client came back. */
  unpark(lane: Lane): void
  /** Somebody listens under these terms: calls should go where it hears of them. */
  isListenedTo(endpoint: Endpoint, terms: LaneTerms): boolean
  /** Closes those of Endpoints that are no longer configured, as soon as no call is under way: `isKept` is asked with the endpointKey. */
  retain(isKept: (key: string) => boolean): void
  size(): number
  close(): Promise<void>
}

interface Deps {
  readonly dialer: Dialer
  readonly changes: ListChanges
  /** A Lane that nobody uses is closed after this, ms. */
  readonly idleMs: number
  /** How many Lanes may be open at one Endpoint that is a command: each is a process. */
  readonly maxProcesses: number
  /** The same where it is no command: so many calls that may ask their client something are under way, or parked. */
  readonly maxLanes: number
  /** A client has so long to answer before its parked call makes room for others, ms. */
  readonly parkedMs: number
}

/** A process of a Lane is one of many: it is kept for the next call of the same client, no longer, ms. */
const idleProcessMs = 30_000
const sweepMs = 5_000

interface Parked {
  /** Since when, as `performance.now()` counts. */
  readonly at: number
  readonly end: () => void
}

interface Entry {
  readonly key: string
  readonly principal: string
  readonly endpoint: string
  readonly lane: Lane
  /** Set at once when it is made. */
  opened: Promise<Lane>
  readonly idleMs: number
  /** It is somebody's, though it may not have its call yet. */
  taken: boolean
  parked: Parked | undefined
  /** Its Endpoint is no longer configured. */
  isRetired: boolean
}

export const createLanes = ({
  dialer,
  changes,
  idleMs,
  maxProcesses,
  maxLanes,
  parkedMs,
}: Deps): Lanes => {
  const entries = new Set<Entry>()
  const turns = createTurns()
  const byLane = new WeakMap<Lane, Entry>()

  const isCommand = ({ transport }: Endpoint): boolean => transport === 'stdio'

  const at = (endpoint: Endpoint): Entry[] =>
    [...entries].filter((each) => each.endpoint === endpointKey(endpoint))

  const hasRoom = (endpoint: Endpoint, { principal }: LaneTerms): boolean => {
    const limit = isCommand(endpoint) ? maxProcesses : maxLanes
    const others = at(endpoint)
    return others.length < limit || closeIdle(others) || endParked(others, principal)
  }

  /** How long until a parked call may be ended, ms; Infinity: there is none. */
  const roomInMs = (endpoint: Endpoint): number => {
    const since = at(endpoint)
      .filter(mayEnd)
      .map(({ parked }) => parked?.at ?? Infinity)
    return Math.max(0, Math.min(...since) + parkedMs - performance.now())
  }

  /** acquire finds a Lane, or opens one when there is room. */
  const acquire = async (
    backend: Backend,
    endpoint: Endpoint,
    terms: LaneTerms,
    findOne: () => Promise<Lane> | undefined,
    taken: boolean,
  ): Promise<Lane> => {
    const dueAt = performance.now() + backend.deadlineMs
    for (;;) {
      const found = findOne()
      if (found) return found
      if (hasRoom(endpoint, terms)) return open(backend, endpoint, terms, taken)
      const leftMs = dueAt - performance.now()
      if (isCommand(endpoint) && leftMs > 0) {
        await turns.wait(endpointKey(endpoint), Math.min(leftMs, roomInMs(endpoint)))
        continue
      }
      const what = `calls that may ask their client at server "${backend.name}"`
      const limit = isCommand(endpoint) ? maxProcesses : maxLanes
      throw new RouterError('OVERLOADED', { what, limit })
    }
  }

  const open = (
    backend: Backend,
    endpoint: Endpoint,
    terms: LaneTerms,
    taken: boolean,
  ): Promise<Lane> => {
    const lane = new Lane(backend, {
      onGone: () => leave(entry),
      onChange: (message) => changes.note(backend, message),
    })
    const entry: Entry = {
      key: keyOf(endpoint, terms),
      principal: terms.principal,
      endpoint: endpointKey(endpoint),
      lane,
      opened: Promise.resolve(lane),
      idleMs: isCommand(endpoint) ? Math.min(idleMs, idleProcessMs) : idleMs,
      taken,
      parked: undefined,
      isRetired: false,
    }
    entries.add(entry)
    byLane.set(lane, entry)
    entry.opened = connect(backend, endpoint, terms, entry)
    return entry.opened
  }

  const leave = (entry: Entry): void => {
    if (entries.delete(entry)) turns.next(entry.endpoint)
  }

  const connect = async (
    backend: Backend,
    endpoint: Endpoint,
    terms: LaneTerms,
    entry: Entry,
  ): Promise<Lane> => {
    const { lane } = entry
    try {
      const initialize = laneInitialize(terms)
      const upstream = await dialer.open(backend, endpoint, lane, initialize)
      await lane.open(upstream, initialize)
      // Servers may ask outside of the answer to the call, too.
      if (isInteractive(terms.capabilities)) await lane.listenToAll()
      return lane
    } catch (cause) {
      leave(entry)
      discard(lane.close())
      if (isFinal(cause)) throw cause
      throw notOpened(backend, endpoint, cause)
    }
  }

  const find = (key: string, isMeant: (entry: Entry) => boolean): Entry | undefined => {
    let found: Entry | undefined
    for (const entry of entries) {
      if (entry.key !== key || !isMeant(entry)) continue
      if (entry.lane.listeners.size > 0) return entry
      found ??= entry
    }
    return found
  }

  /** One that nobody uses goes before anybody is refused. */
  const closeIdle = (among: readonly Entry[]): boolean => {
    const [oldest] = among
      .filter(({ taken, lane }) => !taken && lane.isIdle())
      .sort((one, other) => one.lane.usedAt - other.lane.usedAt)
    if (oldest) discard(oldest.lane.close())
    return oldest !== undefined
  }

  /** The longest parked call of the same Principal goes first, so that a crowd of one takes from itself. */
  const endParked = (among: readonly Entry[], principal: string): boolean => {
    const before = performance.now() - parkedMs
    const isForeign = (entry: Entry): number => (entry.principal === principal ? 0 : 1)
    const since = ({ parked }: Entry): number => parked?.at ?? Infinity
    const [longest] = among
      .filter((entry) => mayEnd(entry) && since(entry) <= before)
      .sort((one, other) => isForeign(one) - isForeign(other) || since(one) - since(other))
    longest?.parked?.end()
    return longest !== undefined
  }

  const sweep = setInterval(() => {
    const now = Date.now()
    for (const { lane, taken, isRetired, idleMs: limitMs } of entries) {
      if (taken || !lane.isOpen()) continue
      // Who listens there hears that it is over, and listens anew at what took its place.
      if (isRetired || (lane.isIdle() && now - lane.usedAt > limitMs)) discard(lane.close())
    }
  }, sweepMs)
  sweep.unref()

  return {
    take(backend, endpoint, terms) {
      const key = keyOf(endpoint, terms)
      const findFree = (): Promise<Lane> | undefined => {
        const free = find(key, ({ taken, lane }) => !taken && lane.isFree())
        if (free) free.taken = true
        return free?.opened
      }
      return acquire(backend, endpoint, terms, findFree, true)
    },
    share(backend, endpoint, terms) {
      const key = keyOf(endpoint, terms)
      // One that is being opened will do: many may ask at once.
      const findOpen = (): Promise<Lane> | undefined =>
        find(key, ({ lane }) => !lane.isSpent())?.opened
      return acquire(backend, endpoint, terms, findOpen, false)
    },
    give(lane) {
      lane.wasReleased = true
      lane.release()
      const entry = byLane.get(lane)
      if (!entry) return
      entry.taken = false
      entry.parked = undefined
      if (entry.isRetired) discard(lane.close())
      else if (entries.has(entry)) turns.next(entry.endpoint)
    },
    park(lane, end) {
      const entry = byLane.get(lane)
      if (!entry) return
      entry.parked = { at: performance.now(), end }
      // Whoever waits longest waits for this one, too.
      turns.next(entry.endpoint)
    },
    unpark(lane) {
      const entry = byLane.get(lane)
      if (entry) entry.parked = undefined
    },
    isListenedTo(endpoint, terms) {
      if (entries.size === 0) return false
      return find(keyOf(endpoint, terms), ({ lane }) => lane.listeners.size > 0) !== undefined
    },
    retain(isKept) {
      for (const entry of entries) {
        entry.isRetired = !isKept(entry.endpoint)
        if (entry.isRetired && !entry.taken && entry.lane.isOpen()) discard(entry.lane.close())
      }
    },
    size: () => entries.size,
    async close() {
      clearInterval(sweep)
      await Promise.all([...entries].map(({ lane }) => lane.close()))
    },
  }
}

/** A Lane on which somebody listens goes on without its call. */
const mayEnd = ({ parked, lane }: Entry): boolean =>
  parked !== undefined && lane.listeners.size === 0
