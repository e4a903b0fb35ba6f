import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, HttpEndpoint, Principal, Session, SessionId } from '@mcp-router/core'
import { asSessionId, isPortable, RouterError } from '@mcp-router/core'
import type { SessionChange, StoreGuard } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Broadcast } from '../deps.js'
import { createBinding, type BindingDeps } from './binding.js'
import { atServer, hasMoved, type AtServer } from '../path/portable/has-moved.js'
import { isHeld, type SessionEntry } from './entry.js'
import { createLeaving } from '../path/owned/leaving.js'
import type { LiveSession } from '../path/owned/live.js'
import { postHeadersOf } from '../path/portable/post-headers.js'
import { createQuota, type Limits } from './quota.js'
import { emitReturn } from '../sse/return.js'
import { Records } from './records.js'
import { releaseOwned, type ReleaseDeps } from '../path/owned/release.js'
import { emitSession } from './session-events.js'
import { createTouching, lapses, type Lapse, type TouchOptions } from './touching.js'

interface Deps extends Omit<BindingDeps, 'held'>, ReleaseDeps {
  readonly broadcast: Broadcast
  readonly guard: StoreGuard
  /** Names what the store holds (Store). */
  readonly generation: () => Promise<string>
  /** The store had lost its record, which is there again; whatever else was noted of it may be lost as well. */
  readonly onMended: (entry: SessionEntry) => void
  /** Nobody used its process for a while. */
  readonly onRest: (entry: SessionEntry) => void
  /** A portable one goes on in another session at a server, as its record says where that is known. */
  readonly onMoved: (id: SessionId, record?: Session) => void
  /** It was read from the store, and is here for the first time. */
  readonly onLoaded: (record: Session) => void
  /** It was ended, here or elsewhere. */
  readonly onOver: (id: SessionId) => void
  readonly options: TouchOptions & Limits
}

/** Sessions are the cluster's Sessions as one Instance sees them: cached here, kept in the store. */
export type Sessions = ReturnType<typeof createSessions>

type Gone = 'released' | 'ended'

/** Longer than it takes a client to open a broken stream again. */
const movedMs = 60_000
/** How much later than its period an Instance may restore what it remembers, ms. */
const mendSlackMs = 2_000
/** Whoever ends a Session waits so long for its process: the next one may need what it holds, ms. */
const endMs = 5_000

export const createSessions = (deps: Deps) => {
  const { store, broadcast, events, options } = deps
  const held = new Map<string, SessionEntry>()
  /** When they moved here, or another Instance said so, ms since the epoch, and what they were here before that. */
  const moved = new Map<SessionId, { readonly at: number; readonly from: AtServer | undefined }>()
  const leaving = createLeaving()
  const binding = createBinding({ ...deps, held: () => held.values() })
  const emit = emitSession.bind(undefined, events)

  const use = (entry: SessionEntry): SessionEntry =>
    Object.assign(entry, { used: true, usedAt: Date.now() })

  const hold = (record: Session, live: LiveSession | undefined): SessionEntry => {
    const bound = binding.bind(record)
    if (!bound) throw new RouterError('SESSION_NOT_FOUND')
    const entry: SessionEntry = {
      record,
      ...bound,
      phase: { kind: 'live' },
      postHeaders: postHeadersOf(bound.endpoint, record),
      usedAt: Date.now(),
      ownedAt: performance.now(),
      used: true,
      streams: 0,
      live,
    }
    held.set(record.id, entry)
    emitMoved(record, moved.get(record.id)?.from)
    return entry
  }

  const noteMoved = (id: SessionId, from?: AtServer): void => {
    const move = { at: Date.now(), from }
    moved.set(id, move)
    setTimeout(() => moved.get(id) === move && moved.delete(id), movedMs).unref()
  }

  const emitMoved = (record: Session, from: AtServer | undefined): void => {
    if (from && isPortable(record) && hasMoved(record, from)) deps.onMoved(record.id, record)
  }

  const remove = (entry: SessionEntry, kind: Gone): void => {
    entry.phase = { kind }
    held.delete(entry.record.id)
  }

  /** drop releases a Session here; its record is somebody else's business. It resolves once its upstream is gone. */
  const drop = async (entry: SessionEntry, kind: Gone = 'released'): Promise<void> => {
    if (!isHeld(entry)) return
    const { record, live } = entry
    remove(entry, kind)
    quota.remove(record.id)
    emitReturn(entry, 'elsewhere')
    if (kind === 'ended') deps.onOver(record.id)
    if (live) await leaving.release(record, live, kind === 'ended')
  }

  /** lapse drops what lived too long unused. Of the Instances that remember it, the one that opened it tells. */
  const lapse = (entry: SessionEntry, why: Lapse): void => {
    const [action, cause] = lapses[why]
    if (entry.record.instance === deps.instance) emit(entry.record, action, cause)
    discard(drop(entry, why === 'unused' || why === 'gone' ? 'ended' : 'released'))
  }

  /** reread tells whether there is still such a Session. */
  const reread = async (entry: SessionEntry): Promise<boolean> => {
    const record = await records.reread(entry)
    if (record) {
      await binding.arrival(record)
      entry.record = record
      if (binding.settle(entry)) return true
    }
    discard(drop(entry))
    return false
  }

  const change = async (entry: SessionEntry, changed: SessionChange): Promise<void> => {
    entry.record = { ...entry.record, ...changed }
    if (changed.place !== undefined) binding.settle(entry)
    if (!(await records.change(entry, changed))) lapse(entry, 'refused')
  }

  /** endRecord ends a Session of which there is nothing else here. */
  const endRecord = async (record: Session, cause?: string): Promise<void> => {
    if (await store.delete(record.id)) emit(record, 'closed', cause)
    // Only its Owner has something that takes time to end.
    const isElsewhere = !isPortable(record) && record.instance !== deps.instance
    await broadcast.sessionEnded(record.id, ...(isElsewhere ? [endMs] : []))
  }

  const end = async (entry: SessionEntry, cause?: string): Promise<void> => {
    const gone = drop(entry, 'ended')
    await endRecord(entry.record, cause)
    await soon(gone)
  }

  const makesRoom = 'it made room for a new one'
  const quota = createQuota({
    store,
    held: (id) => held.get(id),
    end: (entry) => discard(end(entry, makesRoom)),
    endRecord: (record) => discard(endRecord(record, makesRoom)),
    options,
  })

  const mendMs = options.touchMs + mendSlackMs
  const records = new Records({
    ...deps,
    held: () => held.values(),
    onRestored: (record) => emit(record, 'restored', 'the store had lost it'),
    onWritten: ({ record }) => broadcast.sessionMoved(record.id),
    onRefused: (entry) => lapse(entry, 'refused'),
    mendMs,
  })
  records.look().catch(() => undefined)

  const touching = createTouching({
    ...deps,
    records,
    held: () => held.values(),
    onLapse: lapse,
    // While the store is away there is no other place to find it.
    onIdle: (entry) => {
      if (!entry.live && !deps.guard.isAway()) remove(entry, 'released')
    },
  })

  const belongs = (record: Session, principal: Principal, backend: string): boolean =>
    record.principal === principal.name && (backend === '' || record.backend === backend)

  return {
    /** The cached one, for the hot path; undefined: ask `find`. */
    cached(id: string, principal: Principal, backend: string): SessionEntry | undefined {
      const entry = held.get(id)
      return entry && belongs(entry.record, principal, backend) ? use(entry) : undefined
    },
    /** Rejects with SESSION_NOT_FOUND for one that ended, belongs to another Principal or to another Backend: they look the same. */
    async find(text: string, principal: Principal, backend: string): Promise<SessionEntry> {
      const id = asSessionId(text)
      const known = id && held.get(id)
      if (known && belongs(known.record, principal, backend)) return use(known)
      const record = id && !known ? await records.find(id) : undefined
      if (!record || !belongs(record, principal, backend))
        throw new RouterError('SESSION_NOT_FOUND')
      if (!held.has(record.id)) await binding.arrival(record)
      // Someone may have loaded it meanwhile.
      if (isPortable(record) && !held.has(record.id)) deps.onLoaded(record)
      return use(held.get(record.id) ?? hold(record, undefined))
    },
    /** Stores a new Session; it is found by every Instance once this resolves. */
    async open(record: Session, live?: LiveSession): Promise<SessionEntry> {
      await store.create(record)
      emit(record, 'opened')
      quota.add(record)
      return hold(record, live)
    },
    /** Makes room for one more session at this backend (Quota). */
    reserve: (principal: Principal, backend: Backend) => quota.reserve(principal, backend),
    /** Changes a Session here at once, in the store once that can be reached. */
    change,
    /** Resolves once the store has all changes of it; with false where it stays away, or is full: no other Instance knows of them. */
    whenWritten: (entry: SessionEntry) => records.whenWritten(entry),
    /** What a record says of a Session that is at this Endpoint. */
    at: binding.at,
    /** Reads the record again: another Instance may have changed it. Throws SESSION_NOT_FOUND where there is none any more. */
    async refresh(entry: SessionEntry): Promise<void> {
      if (!(await reread(entry))) throw new RouterError('SESSION_NOT_FOUND')
    },
    /** Notes that a portable Session goes on at this Endpoint, under another session id there, and why. */
    async rehome(
      entry: SessionEntry,
      endpoint: HttpEndpoint,
      changed: SessionChange,
      cause?: string,
    ): Promise<void> {
      const at = binding.at(endpoint)
      const action = at.place === entry.record.place ? 're-initialized' : 'moved'
      noteMoved(entry.record.id)
      // By that the others know whose record is the latest while the store is away.
      entry.record = { ...entry.record, lastActive: Date.now() }
      await change(entry, { ...changed, ...at })
      deps.onMoved(entry.record.id, entry.record)
      emit(entry.record, action, cause)
      broadcast.sessionMoved(entry.record.id)
    },
    /** When it went over to another session at its server, ms since the epoch, if a short time ago: event ids that its client has may be of the one before. */
    movedAt: (id: SessionId): number | undefined => moved.get(id)?.at,
    /** Makes this Instance the Owner, and tells why; undefined where another one was faster, or the Session is gone. */
    async claim(
      entry: SessionEntry,
      live: LiveSession,
      cause?: string,
    ): Promise<SessionEntry | undefined> {
      const { id } = entry.record
      const record = await records.claim(entry, deps.instance)
      const stale = held.get(id)
      if (stale) discard(drop(stale))
      if (!record) return undefined
      quota.add(record)
      broadcast.sessionMoved(id)
      emit(record, 'taken over', cause)
      return use(hold(record, live))
    },
    /** Ends a Session everywhere, and tells why: record, cache, Upstream, Streams. It resolves once its process is gone, or soon after. */
    end,
    /** Forgets what is cached of a Session that went elsewhere, or is over. It resolves once its process is gone, or soon after. */
    async forget(id: SessionId, isOver = false): Promise<void> {
      const entry = held.get(id)
      // Not the whole record: handshakes may be long.
      const from = entry && atServer(entry.record)
      noteMoved(id, from)
      if (!entry && !isOver) deps.onMoved(id)
      // Its client still listens here, which keeps the Session alive: what is remembered is reloaded.
      if (entry && !isOver && !entry.live && entry.streams > 0) {
        if (await reread(entry)) emitMoved(entry.record, from)
      } else if (entry) await soon(drop(entry, isOver ? 'ended' : 'released'))
      else quota.remove(id)
    },
    /** Whether the store lost what it held within the last so many ms; without: so lately that others may not have restored yet what they remember. */
    hasLost: (withinMs = mendMs): Promise<boolean> => records.look(performance.now() - withinMs),
    /** The one held here under this id, for its own live part. */
    held: (id: SessionId): SessionEntry | undefined => held.get(id),
    /** Held in memory now. */
    all: (): Iterable<SessionEntry> => held.values(),
    size: (): number => held.size,
    /** Finds out at once which Sessions another Instance took over, while this one's lease had lapsed. */
    revalidate: touching.now,
    /** From now on, the calls of a Session that goes elsewhere are still answered here, until all is closed. */
    linger: (): void => leaving.begin(),
    /** releaseCalls releases the calls in flight of owned Sessions to the next Owner; those whose client cannot resume end with OUTCOME_UNKNOWN. */
    releaseCalls(): void {
      for (const { live } of held.values()) live?.releaseCalls()
      for (const live of leaving.all()) live.releaseCalls()
    },
    async close(): Promise<void> {
      binding.close()
      await touching.close()
      const owned = [...held.values()].filter(({ record }) => !isPortable(record))
      const released = owned.map((entry) => releaseOwned(entry, deps))
      // Behind that: what fails while they are released must not find its Session gone.
      for (const entry of [...held.values()]) remove(entry, 'released')
      await leaving.close()
      await Promise.all(released)
    },
  }
}

/** soon resolves once the process of a Session is gone, and does not wait for long. */
const soon = async (gone: Promise<void>): Promise<void> =>
  Promise.race([gone.catch(() => undefined), wait(endMs, undefined, { ref: false })])
