import type {
  Endpoint,
  EventSink,
  HttpEndpoint,
  InstanceId,
  Principal,
  Session,
  SessionEvent,
  SessionId,
} from '@mcp-router/core'
import { asSessionId, isPortable, RouterError } from '@mcp-router/core'
import type { Registry, SessionChange, SessionStore } from '@mcp-router/store'
import type { Broadcast, RouterOptions } from '../deps.js'
import type { HeldSession } from './held.js'
import { createLeaving } from './leaving.js'
import type { LiveSession } from './live.js'
import { postHeadersOf } from './post-headers.js'
import { createRestorer } from './restore.js'
import { tellSession } from './tell.js'
import { createTouching } from './touching.js'
import type { Lapse } from './touching.js'
import { createUnwritten } from './unwritten.js'

/** Sessions are the cluster's Sessions as one Instance sees them: cached here, kept in the store. */
export interface Sessions {
  /** Resolves SESSION_NOT_FOUND for one that ended, belongs to another Principal or to another Backend: they look the same. */
  find(id: string, principal: Principal, backend: string): Promise<HeldSession>
  /** The cached one, for the hot path; undefined: ask `find`. */
  cached(id: string, principal: Principal, backend: string): HeldSession | undefined
  /** Stores a new Session; it is found by every Instance once this resolves. */
  open(record: Session, live?: LiveSession): Promise<HeldSession>
  change(held: HeldSession, change: SessionChange): Promise<void>
  /** Reads the record anew: another Instance may have changed it. Throws SESSION_NOT_FOUND where there is none any more. */
  refresh(held: HeldSession): Promise<void>
  /** Notes that a portable Session goes on at this Endpoint, under another session id there, and why. */
  rehome(
    held: HeldSession,
    endpoint: HttpEndpoint,
    change: SessionChange,
    cause?: string,
  ): Promise<void>
  /** When it went over to another session at its server, ms since the epoch, if a short time ago: event ids that its client has may be of the one before. */
  movedAt(id: SessionId): number | undefined
  /** Makes this Instance the Owner, and tells why; undefined where another one was faster, or the Session is gone. */
  claim(held: HeldSession, live: LiveSession, cause?: string): Promise<HeldSession | undefined>
  /** Ends a Session everywhere, and tells why: record, cache, Upstream, Streams. */
  end(held: HeldSession, cause?: string): Promise<void>
  /** Forgets what is cached of a Session that ended elsewhere. */
  forget(id: SessionId): void
  /** The one held here under this id, for its own live part. */
  held(id: SessionId): HeldSession | undefined
  /** Held in memory now. */
  all(): Iterable<HeldSession>
  size(): number
  /** From now on, the calls of a Session that goes elsewhere are still answered here, until all is closed. */
  linger(): void
  close(): Promise<void>
}

interface Deps {
  readonly store: SessionStore
  readonly registry: Registry
  readonly broadcast: Broadcast
  readonly events: EventSink
  readonly instance: InstanceId
  /** Names what the store holds (Store). */
  readonly generation: () => Promise<string>
  /** Whether an owned Session can be taken over once this Instance is gone. */
  readonly outlives: (record: Session) => boolean
  readonly options: Pick<RouterOptions, 'sessionTtlMs' | 'touchMs'>
}

/** Longer than it takes a client to open a broken stream again. */
const movedMs = 60_000
/** How much longer than a period another Instance may take to write again what it remembers, ms. */
const mendSlackMs = 2_000

export const createSessions = (deps: Deps): Sessions => {
  const { store, registry, broadcast, events, options } = deps
  const held = new Map<string, HeldSession>()
  /** When they moved here, or another Instance said so, ms since the epoch. */
  const moved = new Map<SessionId, number>()
  const leaving = createLeaving()

  const endpointOf = (record: Session): Endpoint | undefined => {
    const backend = registry.snapshot().backends.get(record.backend)
    return backend?.endpoints.find((each) => each.id === record.endpoint)
  }

  const hold = (record: Session, live: LiveSession | undefined): HeldSession => {
    const endpoint = endpointOf(record)
    if (!endpoint) throw new RouterError('SESSION_NOT_FOUND')
    const entry = {
      record,
      endpoint,
      postHeaders: postHeadersOf(endpoint, record),
      reopening: undefined,
      usedAt: Date.now(),
      ownedAt: performance.now(),
      used: true,
      streams: 0,
      looked: false,
      live,
    }
    held.set(record.id, entry)
    return entry
  }

  const tell = (record: Session, action: SessionEvent['action'], cause?: string): void =>
    tellSession(events, record, action, cause)

  /** drop lets go of a Session here; its record is somebody else's business. */
  const drop = (entry: HeldSession): void => {
    if (held.get(entry.record.id) !== entry) return
    held.delete(entry.record.id)
    if (entry.live) leaving.letGo(entry.record, entry.live)
  }

  /** lapse drops what lived too long unused. Of the Instances that remember it, the one that opened it tells. */
  const lapse = (entry: HeldSession, why: Lapse): void => {
    const [action, cause] = lapses[why]
    if (entry.record.instance === deps.instance) tell(entry.record, action, cause)
    drop(entry)
  }

  /** reread tells whether there is still such a Session. */
  const reread = async (entry: HeldSession): Promise<boolean> => {
    const record = await store.find(entry.record.id).catch(() => entry.record)
    const endpoint = record && endpointOf(record)
    if (!record || !endpoint) {
      drop(entry)
      return false
    }
    entry.record = record
    entry.endpoint = endpoint
    entry.postHeaders = postHeadersOf(endpoint, record)
    return true
  }

  const restorer = createRestorer({
    store,
    generation: deps.generation,
    held: () => held.values(),
    onRestored: (record) => tell(record, 'restored', 'the store had lost it'),
    mendMs: options.touchMs + mendSlackMs,
  })
  restorer.look().catch(() => undefined)
  const unwritten = createUnwritten({
    store,
    isHeld: (entry) => held.get(entry.record.id) === entry,
    onWritten: ({ record }) => broadcast.sessionMoved(record.id),
    onRefused: (entry) => lapse(entry, 'refused'),
  })

  const touching = createTouching({
    store,
    restorer,
    events,
    options,
    held: () => held.values(),
    onTouching(now) {
      for (const [id, at] of moved) if (now - at > movedMs) moved.delete(id)
    },
    onLapse: lapse,
    // While the store is away there is no other place to find it.
    onIdle: (entry) => {
      if (!entry.live && !restorer.isAway()) held.delete(entry.record.id)
    },
  })

  const belongs = (record: Session, principal: Principal, backend: string): boolean =>
    record.principal === principal.name && (backend === '' || record.backend === backend)

  const use = (entry: HeldSession): HeldSession => {
    entry.used = true
    entry.usedAt = Date.now()
    return entry
  }

  return {
    cached(id, principal, backend) {
      const entry = held.get(id)
      return entry && belongs(entry.record, principal, backend) ? use(entry) : undefined
    },
    async find(text, principal, backend) {
      const id = asSessionId(text)
      const known = id && held.get(id)
      if (known && belongs(known.record, principal, backend)) return use(known)
      const record = id && !known ? await restorer.find(id) : undefined
      if (!record || !belongs(record, principal, backend))
        throw new RouterError('SESSION_NOT_FOUND')
      // Someone may have loaded it meanwhile.
      return use(held.get(record.id) ?? hold(record, undefined))
    },
    async open(record, live) {
      await store.create(record)
      tell(record, 'opened')
      return hold(record, live)
    },
    async change(entry, change) {
      const askedAt = performance.now()
      entry.record = { ...entry.record, ...change }
      if (await unwritten.write(entry, change)) return
      // What is restored has the change in it already.
      if (!(await restorer.look(askedAt).catch(() => false))) lapse(entry, 'refused')
    },
    async refresh(entry) {
      if (!(await reread(entry))) throw new RouterError('SESSION_NOT_FOUND')
    },
    async rehome(entry, endpoint, change, cause) {
      const action = endpoint.id === entry.record.endpoint ? 're-initialized' : 'moved'
      Object.assign(entry, { endpoint, looked: false })
      entry.postHeaders = postHeadersOf(endpoint, { ...entry.record, ...change })
      moved.set(entry.record.id, Date.now())
      await this.change(entry, { ...change, endpoint: endpoint.id })
      tell(entry.record, action, cause)
      broadcast.sessionMoved(entry.record.id)
    },
    async claim({ record: { id, epoch } }, live, cause) {
      const record = await restorer.again(() => store.claim(id, epoch, deps.instance))
      const stale = held.get(id)
      if (stale) drop(stale)
      if (!record) return undefined
      broadcast.sessionMoved(id)
      tell(record, 'taken over', cause)
      return use(hold(record, live))
    },
    async end(entry, cause) {
      drop(entry)
      if (await store.delete(entry.record.id)) tell(entry.record, 'closed', cause)
      await broadcast.sessionEnded(entry.record.id)
    },
    movedAt: (id) => moved.get(id),
    forget(id) {
      moved.set(id, Date.now())
      const entry = held.get(id)
      if (!entry) return
      // Its client still listens here, which keeps the Session alive: what is remembered is read anew.
      if (!entry.live && entry.streams > 0) void reread(entry)
      else drop(entry)
    },
    held: (id) => held.get(id),
    all: () => held.values(),
    size: () => held.size,
    linger: () => leaving.begin(),
    async close() {
      unwritten.close()
      await touching.close()
      const owned = [...held.values()].filter(({ record }) => !isPortable(record))
      const released = owned.map(async ({ live, record }) => {
        if (!live) return
        // What was begun goes on at another Instance; what was not, or whose client cannot find it again, is over.
        const isOver = !deps.outlives(record)
        await (isOver ? live.close() : live.handOver())
        tell(record, isOver ? 'closed' : 'released', `${deps.instance} was stopped`)
        if (isOver) await store.delete(record.id).catch(() => false)
      })
      // Behind that: what fails while they are let go of must not find its Session gone.
      held.clear()
      await leaving.close()
      await Promise.all(released)
    },
  }
}

const lapses: Readonly<Record<Lapse, readonly [SessionEvent['action'], string]>> = {
  unused: ['expired', 'nobody used it for its whole life'],
  gone: ['expired', 'its record was gone from the store'],
  superseded: ['released', 'another instance had taken it over'],
  refused: ['released', 'another instance had taken it over, or its record was gone'],
}
