import type { Principal, Session, SessionId } from '@mcp-router/core'
import { asSessionId, isPortable, RouterError } from '@mcp-router/core'
import type { StoreGuard } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Broadcast } from '../deps.js'
import { createBinding } from './binding.js'
import type { BindingDeps } from './binding.js'
import { atServer, hasMoved } from '../path/portable/has-moved.js'
import type { AtServer } from '../path/portable/has-moved.js'
import type { HeldSession } from './held.js'
import { createLeaving } from '../path/owned/leaving.js'
import type { LiveSession } from '../path/owned/live.js'
import { postHeadersOf } from '../path/portable/post-headers.js'
import { createQuota } from './quota.js'
import type { Limits } from './quota.js'
import { tellReturn } from '../sse/return.js'
import { createRestorer } from './restore.js'
import { releaseOwned } from '../path/owned/release.js'
import type { ReleaseDeps } from '../path/owned/release.js'
import type { Sessions } from './sessions.js'
import { tellSession } from './tell.js'
import { createTouching, lapses } from './touching.js'
import type { Lapse, TouchOptions } from './touching.js'
import { createRecordWriter } from './record-writer.js'
import { within } from './within.js'

interface Deps extends Omit<BindingDeps, 'held'>, ReleaseDeps {
  readonly broadcast: Broadcast
  readonly guard: StoreGuard
  /** Names what the store holds (Store). */
  readonly generation: () => Promise<string>
  /** The store had lost its record, which is there again; whatever else was noted of it may be lost as well. */
  readonly onMended: (entry: HeldSession) => void
  /** Nobody used its process for a while. */
  readonly onRest: (entry: HeldSession) => void
  /** A portable one goes on in another session at a server, as its record says where that is known. */
  readonly onMoved: (id: SessionId, record?: Session) => void
  /** It was read from the store, and is here for the first time. */
  readonly onLoaded: (record: Session) => void
  /** It was ended, here or elsewhere. */
  readonly onOver: (id: SessionId) => void
  readonly options: TouchOptions & Limits
}

/** Longer than it takes a client to open a broken stream again. */
const movedMs = 60_000
/** How much later than its period an Instance may write again what it remembers, ms. */
const mendSlackMs = 2_000
/** Whoever ends a Session waits so long for its process: the next one may need what it holds, ms. */
const endMs = 5_000

export const createSessions = (deps: Deps): Sessions => {
  const { store, broadcast, events, options } = deps
  const held = new Map<string, HeldSession>()
  /** When they moved here, or another Instance said so, ms since the epoch, and what they were here before that. */
  const moved = new Map<SessionId, { readonly at: number; readonly from?: AtServer | undefined }>()
  const leaving = createLeaving()

  const binding = createBinding({ ...deps, held: () => held.values() })

  const hold = (record: Session, live: LiveSession | undefined): HeldSession => {
    const bound = binding.bind(record)
    if (!bound) throw new RouterError('SESSION_NOT_FOUND')
    const entry = {
      record,
      ...bound,
      postHeaders: postHeadersOf(bound.endpoint, record),
      reopening: undefined,
      usedAt: Date.now(),
      ownedAt: performance.now(),
      used: true,
      streams: 0,
      live,
    }
    held.set(record.id, entry)
    tellMoved(record, moved.get(record.id)?.from)
    return entry
  }

  const tellMoved = (record: Session, from: AtServer | undefined): void => {
    if (from && isPortable(record) && hasMoved(record, from)) deps.onMoved(record.id, record)
  }

  const tell = tellSession.bind(undefined, events)

  /** drop lets go of a Session here; its record is somebody else's business. It resolves once its upstream is gone. */
  const drop = async (entry: HeldSession, isOver = false): Promise<void> => {
    if (held.get(entry.record.id) !== entry) return
    held.delete(entry.record.id)
    quota.remove(entry.record.id)
    tellReturn(entry, 'elsewhere')
    if (isOver) deps.onOver(entry.record.id)
    if (entry.live) await leaving.letGo(entry.record, entry.live, isOver)
  }

  /** lapse drops what lived too long unused. Of the Instances that remember it, the one that opened it tells. */
  const lapse = (entry: HeldSession, why: Lapse): void => {
    const [action, cause] = lapses[why]
    if (entry.record.instance === deps.instance) tell(entry.record, action, cause)
    discard(drop(entry, why === 'unused' || why === 'gone'))
  }

  /** reread tells whether there is still such a Session. */
  const reread = async (entry: HeldSession): Promise<boolean> => {
    const record = await restorer.reread(entry)
    if (record) {
      await binding.arrival(record)
      entry.record = record
      if (binding.settle(entry)) return true
    }
    discard(drop(entry))
    return false
  }

  /** endRecord ends a Session of which there is nothing else here. */
  const endRecord = async (record: Session, cause?: string): Promise<void> => {
    if (await store.delete(record.id)) tell(record, 'closed', cause)
    // Only its Owner has something that takes time to end.
    const isElsewhere = !isPortable(record) && record.instance !== deps.instance
    await broadcast.sessionEnded(record.id, ...(isElsewhere ? [endMs] : []))
  }

  const end = async (entry: HeldSession, cause?: string): Promise<void> => {
    const gone = drop(entry, true)
    await endRecord(entry.record, cause)
    await within(gone, endMs)
  }

  const makesRoom = 'it made room for a new one'
  const quota = createQuota({
    store,
    held: (id) => held.get(id),
    end: (entry) => discard(end(entry, makesRoom)),
    endRecord: (record) => discard(endRecord(record, makesRoom)),
    options,
  })

  const restorer = createRestorer({
    store,
    generation: () => deps.guard.retry(deps.generation, deps.guard.patience.none),
    held: () => held.values(),
    onRestored: (record) => tell(record, 'restored', 'the store had lost it'),
    onMended(id) {
      const entry = held.get(id)
      if (entry) deps.onMended(entry)
    },
    mendMs: options.touchMs + mendSlackMs,
  })
  restorer.look().catch(() => undefined)
  const writer = createRecordWriter({
    store,
    guard: deps.guard,
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
      for (const [id, { at }] of moved) if (now - at > movedMs) moved.delete(id)
    },
    onLapse: lapse,
    onRest: deps.onRest,
    // While the store is away there is no other place to find it.
    onIdle: (entry) => {
      if (!entry.live && !deps.guard.isAway()) held.delete(entry.record.id)
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
      if (!held.has(record.id)) await binding.arrival(record)
      // Someone may have loaded it meanwhile.
      if (isPortable(record) && !held.has(record.id)) deps.onLoaded(record)
      return use(held.get(record.id) ?? hold(record, undefined))
    },
    async open(record, live) {
      await store.create(record)
      tell(record, 'opened')
      quota.add(record)
      return hold(record, live)
    },
    reserve: (principal, backend) => quota.reserve(principal, backend),
    async change(entry, change) {
      const askedAt = performance.now()
      entry.record = { ...entry.record, ...change }
      if (change.place !== undefined) binding.settle(entry)
      if (await writer.write(entry, change)) return
      // What is restored has the change in it already.
      if (!(await restorer.isMended(entry, askedAt).catch(() => false))) lapse(entry, 'refused')
    },
    whenWritten: (entry) => writer.whenWritten(entry),
    async refresh(entry) {
      if (!(await reread(entry))) throw new RouterError('SESSION_NOT_FOUND')
    },
    async rehome(entry, endpoint, change, cause) {
      const at = binding.at(endpoint)
      const action = at.place === entry.record.place ? 're-initialized' : 'moved'
      moved.set(entry.record.id, { at: Date.now() })
      // By that the others know whose record is the latest while the store is away.
      entry.record = { ...entry.record, lastActive: Date.now() }
      await this.change(entry, { ...change, ...at })
      deps.onMoved(entry.record.id, entry.record)
      tell(entry.record, action, cause)
      broadcast.sessionMoved(entry.record.id)
    },
    async claim(entry, live, cause) {
      const { id, epoch } = entry.record
      const record = await restorer.again(entry, () => store.claim(id, epoch, deps.instance))
      const stale = held.get(id)
      if (stale) discard(drop(stale))
      if (!record) return undefined
      quota.add(record)
      broadcast.sessionMoved(id)
      tell(record, 'taken over', cause)
      return use(hold(record, live))
    },
    end,
    at: binding.at,
    movedAt: (id) => moved.get(id)?.at,
    async forget(id, isOver) {
      const entry = held.get(id)
      // Not the whole record: handshakes may be long.
      const from = entry && atServer(entry.record)
      moved.set(id, { at: Date.now(), from })
      if (!entry && !isOver) deps.onMoved(id)
      // Its client still listens here, which keeps the Session alive: what is remembered is read anew.
      if (entry && !isOver && !entry.live && entry.streams > 0) {
        if (await reread(entry)) tellMoved(entry.record, from)
      } else if (entry) await within(drop(entry, isOver), endMs)
      else quota.remove(id)
    },
    hasLost: (withinMs) => restorer.look(performance.now() - withinMs),
    held: (id) => held.get(id),
    all: () => held.values(),
    size: () => held.size,
    revalidate: () => touching.now(),
    linger: () => leaving.begin(),
    releaseCalls() {
      for (const { live } of held.values()) live?.releaseCalls()
      for (const live of leaving.all()) live.releaseCalls()
    },
    async close() {
      binding.close()
      await touching.close()
      const owned = [...held.values()].filter(({ record }) => !isPortable(record))
      const released = owned.map((entry) => releaseOwned(entry, deps))
      // Behind that: what fails while they are let go of must not find its Session gone.
      held.clear()
      await leaving.close()
      await Promise.all(released)
    },
  }
}
