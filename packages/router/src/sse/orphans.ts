import type { Link, Session, SessionId } from '@mcp-router/core'
import { openMs, orphanMs } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import type { RouterDeps } from '../deps.js'
import type { Incoming } from '../http/incoming.js'
import type { SessionEntry } from '../sessions/entry.js'
import { fingerprintOf } from './fingerprint.js'
import type { Fingerprint } from './fingerprint.js'
import type { Sessions } from '../sessions/sessions.js'

/**
 * Orphans are the Sessions of 2024-11-05 clients whose Stream is gone and that have not ended: they wait for a while for their clients, which
 * come back to any Instance.
 */
export interface Orphans {
  /** Its client has a Stream here. */
  follow(held: SessionEntry, fingerprint: Fingerprint): void
  /** Its Stream has closed: it waits from now on, and ends when nobody comes. */
  leave(held: SessionEntry): void
  /** Its client sent a message here, and has no Stream: it is still there. */
  see(held: SessionEntry, incoming: Incoming): void
  /** The store has lost what was noted of it. */
  renew(held: SessionEntry): void
  /** The Sessions of clients of this fingerprint, at any Instance. Undefined: there are too many. */
  find(
    fingerprint: Fingerprint,
    principal: string,
    backend: string,
  ): Promise<readonly Session[] | undefined>
}

/** OrphansDeps is what they have of their Instance. */
interface OrphansDeps {
  readonly sessions: Pick<Sessions, 'held' | 'end'>
  readonly deadlines: Deadlines
  readonly deps: Pick<RouterDeps, 'orphans' | 'sessions' | 'clusterSecret'>
  isDraining(): boolean
}

export const createOrphans = (deps: OrphansDeps): Orphans => new OwnOrphans(deps)

/** Of more than this at one Instance, the oldest ends: each may hold a child process. */
export const maxOrphans = 256
/** How often it looks who waited long enough, ms. */
const periodMs = 1_000
/** Well before it is forgotten, what is open is noted again, ms. */
const renewMs = openMs / 3

interface Followed {
  readonly held: SessionEntry
  readonly fingerprint: Fingerprint
  notedAt: number
}

class OwnOrphans implements Orphans, Timed {
  previous: Link | undefined
  next: Link | undefined
  dueAt = 0
  private readonly context: OrphansDeps
  private readonly followed = new Map<SessionId, Followed>()
  /** When their time is up, as `performance.now()` counts; the one that waits longest comes first. */
  private readonly left = new Map<SessionId, number>()
  private waiting = false

  constructor(context: OrphansDeps) {
    this.context = context
  }

  follow(held: SessionEntry, fingerprint: Fingerprint): void {
    const { id } = held.record
    this.left.delete(id)
    const before = this.followed.get(id)
    if (before && before.fingerprint !== fingerprint) this.forget(id, before.fingerprint)
    this.note({ held, fingerprint, notedAt: 0 })
    this.wait()
  }

  leave(held: SessionEntry): void {
    const { id, initialize } = held.record
    if (held.streams > 0) return
    const followed = this.followed.get(id)
    if (followed) this.note(followed)
    // Its Streams end with the Instance; another one goes on.
    if (this.context.isDraining() || this.context.sessions.held(id) !== held) return
    if (!initialize) {
      this.end(held, 'its client left before it had begun')
      return
    }
    this.left.delete(id)
    this.left.set(id, performance.now() + orphanMs)
    const [oldest] = this.left.keys()
    if (this.left.size > maxOrphans && oldest) this.lose(oldest, 'there were too many like it')
    this.wait()
  }

  see(held: SessionEntry, incoming: Incoming): void {
    if (held.streams > 0) return
    const { id, backend } = held.record
    if (!this.followed.has(id) && !incoming.handedOff) {
      const fingerprint = fingerprintOf(this.context.deps.clusterSecret, incoming, backend, '')
      this.note({ held, fingerprint, notedAt: 0 })
    }
    this.leave(held)
  }

  renew({ record: { id } }: SessionEntry): void {
    const followed = this.followed.get(id)
    if (followed) this.note(followed)
  }

  async find(
    fingerprint: Fingerprint,
    principal: string,
    backend: string,
  ): Promise<readonly Session[] | undefined> {
    const { deps } = this.context
    const noted = await deps.orphans.find(fingerprint)
    if (!noted) return undefined
    const records = await Promise.all(noted.map(({ session }) => deps.sessions.find(session)))
    return records.filter(
      (record): record is Session =>
        record?.principal === principal &&
        record.backend === backend &&
        record.downstream === 'sse' &&
        record.initialize !== '',
    )
  }

  onDue(): void {
    this.waiting = false
    const now = performance.now()
    for (const [id, due] of this.left) {
      if (due > now) break
      this.lose(id, 'its client did not come back')
    }
    for (const [id, followed] of this.followed) {
      if (this.context.sessions.held(id) !== followed.held) {
        this.drop(id)
        discard(this.forgetEnded(followed))
      } else if (followed.held.streams > 0 && now - followed.notedAt > renewMs) this.note(followed)
    }
    if (this.followed.size > 0 || this.left.size > 0) this.wait()
  }

  private lose(id: SessionId, cause: string): void {
    this.left.delete(id)
    const held = this.context.sessions.held(id)
    if (held?.live && held.streams === 0) this.end(held, cause)
    else this.drop(id)
  }

  private end(held: SessionEntry, cause: string): void {
    const { id } = held.record
    const followed = this.followed.get(id)
    this.drop(id)
    if (followed) this.forget(id, followed.fingerprint)
    discard(this.context.sessions.end(held, cause))
  }

  private drop(id: SessionId): void {
    this.followed.delete(id)
    this.left.delete(id)
  }

  private note(followed: Followed): void {
    const { held, fingerprint } = followed
    const session = held.record.id
    this.followed.set(session, { ...followed, notedAt: performance.now() })
    const stream = { session, isOpen: held.streams > 0, at: Date.now() }
    discard(this.context.deps.orphans.note(fingerprint, stream))
  }

  /** Another Instance may have it, and its client looks for it there. */
  private async forgetEnded({ held, fingerprint }: Followed): Promise<void> {
    const { id } = held.record
    if (!(await this.context.deps.sessions.find(id))) this.forget(id, fingerprint)
  }

  private forget(id: SessionId, fingerprint: Fingerprint): void {
    discard(this.context.deps.orphans.forget(fingerprint, id))
  }

  private wait(): void {
    if (this.waiting || this.context.isDraining()) return
    this.waiting = true
    this.dueAt = performance.now() + periodMs
    this.context.deadlines.add(this)
  }
}
