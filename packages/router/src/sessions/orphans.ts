import type { InstanceId, Link, Session, SessionId } from '@mcp-router/core'
import { openMs, orphanMs } from '@mcp-router/store'
import { discard, post, wasNeverSent } from '@mcp-router/upstream'
import type { Timed } from '../deadlines.js'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import type { HeldSession } from './held.js'
import { looksKey, looksOf, revisionOf } from './looks.js'
import type { Looks } from './looks.js'

/**
 * Orphans are the Sessions of 2024-11-05 clients whose Stream is gone and that have not ended: they wait for a while for their clients, which
 * come back to any Instance. A Session of a client that names itself is none: it is found by that name.
 */
export interface Orphans {
  /** Its client listens here. */
  follow(held: HeldSession, looks: Looks): void
  /** Its Stream has closed: it waits from now on, and ends when nobody comes. */
  leave(held: HeldSession): void
  /** Its client sent a message here: that may tell how it looks, and that it is still there. */
  see(held: HeldSession, incoming: Incoming): void
  /** Those that a client of such looks may have left, anywhere. Undefined: there are too many Sessions like that to tell. */
  find(looks: Looks, principal: string, backend: string): Promise<readonly Session[] | undefined>
}

const known = new WeakMap<Context, Orphans>()

/** orphansOf are those of an Instance, known by its Context. */
export const orphansOf = (context: Context): Orphans => {
  const orphans = known.get(context) ?? new OwnOrphans(context)
  known.set(context, orphans)
  return orphans
}

/** Of more than this at one Instance, the oldest ends: each may hold a child process. */
export const maxOrphans = 256
/** How often it looks who waited long enough, ms. */
const periodMs = 1_000
/** Well before it is forgotten, what is open is noted again, ms. */
const renewMs = openMs / 3
/** A living Instance answers within this, ms. */
const answerMs = 1_000

interface Followed {
  readonly held: HeldSession
  looks: Looks
  notedAt: number
}

class OwnOrphans implements Orphans, Timed {
  previous: Link | undefined
  next: Link | undefined
  dueAt = 0
  private readonly context: Context
  private readonly followed = new Map<SessionId, Followed>()
  /** When their time is up, as `performance.now()` counts; the one that waits longest comes first. */
  private readonly left = new Map<SessionId, number>()
  private waiting = false

  constructor(context: Context) {
    this.context = context
  }

  follow(held: HeldSession, looks: Looks): void {
    const { id } = held.record
    this.left.delete(id)
    const before = this.followed.get(id)
    if (before && looksKey(before.looks) !== looksKey(looks)) this.forget(id, before.looks)
    this.note({ held, looks, notedAt: 0 })
    this.wait()
  }

  leave(held: HeldSession): void {
    const { id, initialize } = held.record
    if (held.streams > 0) return
    const followed = this.followed.get(id)
    if (followed) this.note(followed)
    // Its Streams end with the Instance; another one goes on.
    if (this.context.draining || this.context.sessions.held(id) !== held) return
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

  see(held: HeldSession, incoming: Incoming): void {
    const { id, backend } = held.record
    const followed = this.followed.get(id)
    const revision = revisionOf(incoming.req.headers['mcp-protocol-version'])
    if (followed && revision && revision !== followed.looks.revision) {
      this.forget(id, followed.looks)
      this.note({ ...followed, looks: { ...followed.looks, revision } })
    }
    if (held.streams > 0) return
    if (!followed && !incoming.handedOff) {
      const looks = looksOf(this.context.deps.clusterSecret, incoming, backend)
      this.note({ held, looks, notedAt: 0 })
    }
    this.leave(held)
  }

  async find(
    looks: Looks,
    principal: string,
    backend: string,
  ): Promise<readonly Session[] | undefined> {
    const { deps } = this.context
    const noted = await deps.orphans.find(looksKey(looks))
    if (!noted) return undefined
    const answering = new Map<InstanceId, Promise<boolean>>()
    const found = await Promise.all(
      noted.map(async ({ session, isOpen, at }) => {
        const record = await deps.sessions.find(session)
        if (!record || !isLeft(record, principal, backend)) return []
        if (Date.now() - record.lastActive > orphanMs + deps.options.touchMs) return []
        return isOpen && (await this.isFollowed(record, at, answering)) ? [] : [record]
      }),
    )
    return found.flat()
  }

  onDue(): void {
    this.waiting = false
    const now = performance.now()
    for (const [id, due] of this.left) {
      if (due > now) break
      this.lose(id, 'its client did not come back')
    }
    for (const [id, followed] of this.followed) {
      if (this.context.sessions.held(id) !== followed.held) this.drop(id)
      else if (followed.held.streams > 0 && now - followed.notedAt > renewMs) this.note(followed)
    }
    if (this.followed.size > 0 || this.left.size > 0) this.wait()
  }

  /** isFollowed tells whether the Instance that had its Stream at this time has it still. */
  private async isFollowed(
    { id, instance }: Session,
    at: number,
    answering: Map<InstanceId, Promise<boolean>>,
  ): Promise<boolean> {
    const { deps, sessions } = this.context
    if (instance === deps.instance) return (sessions.held(id)?.streams ?? 0) > 0
    const owner = await deps.membership.find(instance)
    // One of this name that was started later had it never.
    if (!owner || owner.startedAt > at) return false
    const asked = answering.get(instance) ?? this.answers(owner.address)
    answering.set(instance, asked)
    return asked
  }

  /** A lease lasts for some seconds beyond its Instance; a port refuses at once. */
  private async answers(address: string): Promise<boolean> {
    const { client } = this.context.deps
    const asking = post(client, `${address}/health`, { method: 'GET', headers: [] })
    const tooLong = setTimeout(() => asking.abort(new Error('no answer')), answerMs)
    try {
      await asking.answer
      return true
    } catch (error) {
      return !wasNeverSent(error)
    } finally {
      clearTimeout(tooLong)
    }
  }

  private lose(id: SessionId, cause: string): void {
    this.left.delete(id)
    const held = this.context.sessions.held(id)
    if (held?.live && held.streams === 0) this.end(held, cause)
    else this.drop(id)
  }

  private end(held: HeldSession, cause: string): void {
    this.drop(held.record.id)
    discard(this.context.sessions.end(held, cause))
  }

  private drop(id: SessionId): void {
    const followed = this.followed.get(id)
    this.followed.delete(id)
    this.left.delete(id)
    if (followed) this.forget(id, followed.looks)
  }

  private note(followed: Followed): void {
    const { held, looks } = followed
    const session = held.record.id
    this.followed.set(session, { ...followed, notedAt: performance.now() })
    const stream = { session, isOpen: held.streams > 0, at: Date.now() }
    discard(this.context.deps.orphans.note(looksKey(looks), stream))
  }

  private forget(id: SessionId, looks: Looks): void {
    discard(this.context.deps.orphans.forget(looksKey(looks), id))
  }

  private wait(): void {
    if (this.waiting || this.context.draining) return
    this.waiting = true
    this.dueAt = performance.now() + periodMs
    this.context.deadlines.add(this)
  }
}

const isLeft = (record: Session, principal: string, backend: string): boolean =>
  record.principal === principal &&
  record.backend === backend &&
  record.downstream === 'sse' &&
  record.initialize !== ''
