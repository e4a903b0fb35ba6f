import type { Backend, Endpoint } from '@mcp-router/core'
import { reasonOf, RouterError } from '@mcp-router/core'
import { isInteractive, latestLegacy, legacyCapabilities } from '@mcp-router/protocol'
import type { ListChanges } from '../changes.js'
import type { Dialer } from '../open.js'
import { discard } from '../upstream.js'
import { Lane } from './lane.js'

type Json = Readonly<Record<string, unknown>>

/** LaneTerms are what must be the same for two calls to use one Lane: nothing is shared between Principals. */
export interface LaneTerms {
  readonly principal: string
  /** As the client declared them with its request. */
  readonly capabilities: Json
  readonly clientInfo: Json | undefined
}

/** Lanes keeps the Lanes of one Instance. */
export interface Lanes {
  /** A free Lane, opened if need be; OVERLOADED where there are too many already. Its call must end with `give`. */
  take(backend: Backend, endpoint: Endpoint, terms: LaneTerms): Promise<Lane>
  /** One on which many may listen, free or not. */
  share(backend: Backend, endpoint: Endpoint, terms: LaneTerms): Promise<Lane>
  /** Takes back a Lane whose call is over, answered or abandoned. */
  give(lane: Lane): void
  /** Somebody listens under these terms: calls should go where it hears of them. */
  isListenedTo(endpoint: Endpoint, terms: LaneTerms): boolean
  size(): number
  close(): Promise<void>
}

interface Deps {
  readonly dialer: Dialer
  readonly changes: ListChanges
  /** A Lane that nobody uses is closed after this, ms. */
  readonly idleMs: number
}

/** So many calls that may ask their client something are under way, or parked, at one Endpoint from one Instance. */
const maxPerEndpoint = 256
const sweepMs = 5_000

interface Entry {
  readonly key: string
  readonly endpoint: string
  readonly lane: Lane
  /** Taken, though it may not have its call yet. */
  taken: boolean
}

export const createLanes = ({ dialer, changes, idleMs }: Deps): Lanes => {
  const entries = new Set<Entry>()
  const byLane = new WeakMap<Lane, Entry>()

  const open = async (
    backend: Backend,
    endpoint: Endpoint,
    terms: LaneTerms,
    taken: boolean,
  ): Promise<Lane> => {
    const others = [...entries].filter((each) => each.endpoint === endpoint.id)
    if (others.length >= maxPerEndpoint && !makeRoom(others)) {
      const what = `interactive calls at server "${backend.name}"`
      throw new RouterError('OVERLOADED', { what, limit: maxPerEndpoint })
    }
    const lane = new Lane(backend, {
      onGone: () => entries.delete(entry),
      onChange: (message) => changes.note(backend, message),
    })
    const entry: Entry = { key: keyOf(endpoint, terms), endpoint: endpoint.id, lane, taken }
    entries.add(entry)
    byLane.set(lane, entry)
    try {
      const upstream = await dialer.open(backend, endpoint, lane)
      await lane.open(upstream, initializeOf(terms))
      // Servers may ask outside of the answer to the call, too.
      if (isInteractive(terms.capabilities)) lane.hearAll()
      return lane
    } catch (cause) {
      entries.delete(entry)
      discard(lane.close())
      const reason = `opening ${endpoint.id}: ${reasonOf(cause)}`
      throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: backend.name, reason }, cause)
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
  const makeRoom = (among: readonly Entry[]): boolean => {
    const [oldest] = among
      .filter(({ taken, lane }) => !taken && lane.isIdle())
      .sort((one, other) => one.lane.usedAt - other.lane.usedAt)
    if (oldest) discard(oldest.lane.close())
    return oldest !== undefined
  }

  const sweep = setInterval(() => {
    const now = Date.now()
    for (const { lane, taken } of entries) {
      if (!taken && lane.isIdle() && now - lane.usedAt > idleMs) discard(lane.close())
    }
  }, sweepMs)
  sweep.unref()

  return {
    async take(backend, endpoint, terms) {
      const free = find(keyOf(endpoint, terms), ({ taken, lane }) => !taken && lane.isFree())
      if (!free) return open(backend, endpoint, terms, true)
      free.taken = true
      return free.lane
    },
    async share(backend, endpoint, terms) {
      const known = find(keyOf(endpoint, terms), ({ lane }) => lane.isOpen())
      return known?.lane ?? open(backend, endpoint, terms, false)
    },
    give(lane) {
      lane.release()
      const entry = byLane.get(lane)
      if (entry) entry.taken = false
    },
    isListenedTo(endpoint, terms) {
      if (entries.size === 0) return false
      return find(keyOf(endpoint, terms), ({ lane }) => lane.listeners.size > 0) !== undefined
    },
    size: () => entries.size,
    async close() {
      clearInterval(sweep)
      await Promise.all([...entries].map(({ lane }) => lane.close()))
    },
  }
}

const keyOf = (endpoint: Endpoint, { principal, capabilities, clientInfo }: LaneTerms): string =>
  JSON.stringify([endpoint.id, principal, capabilities, clientInfo])

const routerInfo = { name: 'mcp-router', version: '0.1.0' }

const initializeOf = ({ capabilities, clientInfo }: LaneTerms): Json => ({
  protocolVersion: latestLegacy,
  capabilities: legacyCapabilities(capabilities),
  clientInfo: clientInfo ?? routerInfo,
})
