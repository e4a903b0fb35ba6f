import type { Backend, Endpoint, EventSink } from '@mcp-router/core'
import type { ListChanges } from '../changes.js'
import { ownInitialize } from '../era/discover.js'
import { endpointKey } from '../era/endpoint-key.js'
import type { Dialer } from '../open.js'
import { isFinal, notOpened } from '../failure.js'
import type { Upstream } from '../upstream.js'
import { openingReason } from '../watched.js'
import { createExchange } from './exchange.js'
import type { Exchange } from './exchange.js'
import { shakeHands } from './handshake.js'
import type { Handshake } from './handshake.js'

/** SharedUpstream is an initialised Upstream that callers without a session share. */
export interface SharedUpstream {
  readonly exchange: Exchange
  readonly handshake: Handshake
}

/** UpstreamPool keeps one SharedUpstream per Endpoint, opened when first asked for. */
export interface UpstreamPool {
  /** The open one, or undefined: then `open` it. */
  find(endpoint: Endpoint): SharedUpstream | undefined
  /** Opens one; concurrent callers share the attempt. Rejects with NO_HEALTHY_ENDPOINT. */
  open(backend: Backend, endpoint: Endpoint): Promise<SharedUpstream>
  /** Forgets one whose session the Endpoint no longer knows, so that the next `open` starts anew. */
  drop(endpoint: Endpoint, shared: SharedUpstream): void
  /** Drops those of Endpoints that are no longer configured: `isKept` is asked with the endpointKey. */
  retain(isKept: (key: string) => boolean): void
  size(): number
  close(): Promise<void>
}

interface Entry {
  readonly opening: Promise<SharedUpstream>
  shared: SharedUpstream | undefined
  upstream: Upstream | undefined
  readonly transport: Endpoint['transport']
  usedAt: number
}

interface PoolDeps {
  readonly dialer: Dialer
  readonly events: EventSink
  readonly changes: ListChanges
  /** A child process that nobody calls is ended after this, ms. */
  readonly idleMs: number
}

const sweepMs = 5_000

export const createUpstreamPool = ({ dialer, events, changes, idleMs }: PoolDeps): UpstreamPool => {
  const entries = new Map<string, Entry>()
  /** Dropped ones whose other calls still wait for their own answers. */
  const dropped = new Set<Entry>()

  const discard = (key: string, entry: Entry): void => {
    if (entries.get(key) === entry) entries.delete(key)
  }

  const connect = async (backend: Backend, endpoint: Endpoint, entry: () => Entry) => {
    const opened: { upstream?: Upstream } = {}
    const current = (): Upstream => {
      if (!opened.upstream) throw new Error('the upstream is not open yet')
      return opened.upstream
    }
    const exchange = createExchange(
      backend,
      current,
      () => discard(endpointKey(endpoint), entry()),
      (message) => changes.note(backend, message),
    )
    try {
      opened.upstream = await dialer.open(backend, endpoint, exchange, ownInitialize)
      // Whoever closes the pool ends what has not answered yet.
      entry().upstream = opened.upstream
      const handshake = await shakeHands(opened.upstream, exchange)
      const shared = { exchange, handshake }
      entry().shared = shared
      return shared
    } catch (cause) {
      discard(endpointKey(endpoint), entry())
      void opened.upstream?.close()
      const reason = openingReason(endpoint.id, cause)
      events.emit({
        kind: 'upstream',
        action: 'refused',
        backend: backend.name,
        endpoint: endpoint.id,
        reason,
      })
      if (isFinal(cause)) throw cause
      throw notOpened(backend, endpoint, cause)
    }
  }

  const sweep = setInterval(() => {
    const now = Date.now()
    for (const [key, entry] of entries) {
      if (entry.transport !== 'stdio' || isBusy(entry) || now - entry.usedAt < idleMs) continue
      discard(key, entry)
      void entry.upstream?.close()
    }
    for (const entry of dropped) {
      if (isBusy(entry)) continue
      dropped.delete(entry)
      void entry.upstream?.close()
    }
  }, sweepMs)
  sweep.unref()

  return {
    find(endpoint) {
      const entry = entries.get(endpointKey(endpoint))
      if (!entry?.shared) return undefined
      if (entry.transport === 'stdio') entry.usedAt = Date.now()
      return entry.shared
    },
    open(backend, endpoint) {
      const known = entries.get(endpointKey(endpoint))
      if (known) return known.opening
      // `connect` runs to its first await before the entry exists; it reads it only after that.
      const opening = Promise.resolve().then(() => connect(backend, endpoint, () => entry))
      const entry: Entry = {
        opening,
        shared: undefined,
        upstream: undefined,
        transport: endpoint.transport,
        usedAt: Date.now(),
      }
      entries.set(endpointKey(endpoint), entry)
      return opening
    },
    drop(endpoint, shared) {
      const entry = entries.get(endpointKey(endpoint))
      if (entry?.shared !== shared) return
      discard(endpointKey(endpoint), entry)
      dropped.add(entry)
    },
    retain(isKept) {
      for (const [key, entry] of entries) {
        if (isKept(key)) continue
        entries.delete(key)
        dropped.add(entry)
      }
    },
    size: () => entries.size,
    async close() {
      clearInterval(sweep)
      const open = [...entries.values(), ...dropped]
      entries.clear()
      dropped.clear()
      await Promise.all(
        open.map(async (entry) => {
          if (!entry.upstream) await entry.opening.catch(() => undefined)
          await entry.upstream?.close()
        }),
      )
    },
  }
}

const isBusy = ({ shared }: Entry): boolean => !shared || shared.exchange.size() > 0
