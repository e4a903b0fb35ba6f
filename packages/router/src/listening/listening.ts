import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, Session, SessionId } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Peers } from '../cluster/peers.js'
import { Away } from './away.js'
import type { SessionEntry } from '../sessions/entry.js'
import { busyPauseMs } from './listener.js'
import type { ListenOutcome } from './listener.js'
import { ListeningCalls } from './listening-calls.js'
import type { ListeningCall } from './listening-calls.js'
import { createKept, isOfEarlierSession } from './listening-kept.js'
import type { Adopted, Keepable, Kept } from './listening-kept.js'
import { askMs, ListeningPeers, readTarget } from './listening-peers.js'
import type { Held, Holder } from './listening-peers.js'
import { collectAll, endStale, hurry, hurryAll, isFollowed, isOpen } from './follows.js'
import type { Follows } from './follows.js'
import { joinMissed, Missing, writeMissed } from '../streams/missed.js'
import type { Missed } from '../streams/missed.js'
import { Moves } from './moves.js'

interface Deps {
  readonly client: HttpClient
  readonly peers: Pick<Peers, 'ask' | 'home'>
  readonly follows: Follows
  /** The session at its server in which a Session goes on, where it is held here. */
  readonly atOf: (id: SessionId) => string | undefined
}

/** How long a call may wait for the Endpoint's stream: the Endpoint learns of the end of the one before by itself, ms. */
const patienceMs = 1_500

/**
 * Listening sees to it that a server which asks its client on the session's own stream (GET) is heard while that is away, because the Instance
 * that had it is gone or drains, or the session at the server is a new one. For a while after such a fault each Instance holds the Endpoint's stream
 * of the portable Sessions whose calls it passes, unless another one does, and delivers what comes on the stream of a call. What no call can take is
 * kept for the client's next stream, wherever that is opened.
 */
export class Listening {
  private readonly away = new Away((id) => this.onBack(id))
  readonly calls = new ListeningCalls()
  private readonly kept = new Map<SessionId, Kept>()
  private readonly attempts = new Map<SessionId, Promise<unknown>>()
  /** Nobody needs to listen here: somebody else does, the client is back, or the Endpoint gives no stream. */
  private readonly settled = new Set<SessionId>()
  /** Calls waited in vain for the Endpoint's stream: those that follow go on at once. */
  private readonly late = new Set<SessionId>()
  /** What is kept for clients that have no stream. */
  private readonly untaken = new Map<SessionId, Missed>()
  private readonly moves = new Moves((id) => this.whereIs(id))
  private readonly deps: Deps
  private readonly peers: ListeningPeers

  constructor(deps: Deps) {
    this.deps = deps
    this.peers = new ListeningPeers(deps.peers, deps.atOf)
  }

  enter(call: ListeningCall): void {
    this.calls.add(call)
  }

  /** Idempotent. */
  leave(call: ListeningCall): void {
    if (this.calls.remove(call) && this.kept.size > 0) this.closeUnneeded()
  }

  /** isOn: calls of this Session ask `before`. */
  isOn(id: SessionId): boolean {
    return this.away.has(id)
  }

  /** onLost is for when another Instance is gone, or drains: its clients are away with their streams. */
  onLost(): void {
    this.away.lose()
    for (const each of [this.settled, this.late]) each.clear()
    hurryAll(this.deps.follows)
    for (const { session } of this.calls) void this.listen(session)
  }

  /** onMoved is for a Session that goes on in another session at a server: a stream of the one before is nobody's any more. */
  onMoved(id: SessionId, record?: Session): void {
    this.away.move(id)
    for (const each of [this.settled, this.late]) each.delete(id)
    if (record) endStale(this.deps.follows, id, record.backendSessionId)
  }

  /** before calls `send` once the server is heard, or cannot be. */
  before(call: ListeningCall, send: () => void): void {
    const { session } = call
    const { id } = session.record
    this.kept.get(id)?.missing.retake()
    const move = this.moves.over(id)
    const listening = move ? move.then(() => this.listen(session)) : this.listen(session)
    // The client may have come back meanwhile, and be about to have the stream instead.
    const attempt = listening?.then(() => this.moves.over(id)).catch(() => this.late.add(id))
    if (!attempt || (!move && this.late.has(id))) {
      send()
      return
    }
    call.sentAt = undefined
    void attempt.then(() => {
      call.sentAt = performance.now()
      send()
    })
  }

  /** adopt gives what this Instance listens to, to the client that is back; `missed` is what is kept for that. */
  adopt({ record }: SessionEntry): Adopted | undefined {
    const { id } = record
    const kept = this.kept.get(id)
    if (!kept?.listener?.controller || isOfEarlierSession(kept, record)) return undefined
    const { listener, missing } = kept
    const missed = joinMissed([this.untaken.get(id), missing.all()])
    this.kept.delete(id)
    this.untaken.delete(id)
    this.settle(id)
    return { listener, missing, missed }
  }

  /** listenerOf is the other Instance that listens in the client's place. */
  async listenerOf(id: SessionId): Promise<Instance | undefined> {
    if (this.kept.has(id)) return undefined
    return (await this.peers.holders(id)).find(({ holder }) => holder === 'instance')?.from
  }

  /**
   * collect has whoever holds the Endpoint's stream of a Session release it for the client, whose own is here; false: nobody does. `take` is given what
   * they have collected. `isLate`: the Endpoint has refused it for a while, and no call waits where no Instance has it.
   */
  async collect(id: SessionId, take: (missed: Missed) => void, isLate: boolean): Promise<boolean> {
    this.settle(id)
    if (!isLate || (await this.peers.holder(id)))
      await this.peers.untilAsked(id, () => this.hold(id), take)
    const here = this.release(id)
    const missed = joinMissed([here, await this.peers.release(id, take)])
    if (missed) take(missed)
    return missed !== undefined
  }

  /** keepForClient keeps for the client's next stream what it did not get: what was collected for one that is gone, say. */
  keepForClient(id: SessionId, missed: Missed): void {
    const all = joinMissed([this.untaken.get(id), missed])
    if (this.isOn(id) && all && all.frames.length + all.ids.length > 0) this.untaken.set(id, all)
  }

  /** answer tells another Instance. */
  answer(method: string, url: string, res: ServerResponse): void {
    const { id, at, by } = readTarget(url)
    const body = id && this.answerTo(method, id, at, by)
    res.writeHead(body ? 200 : 404).end(body)
  }

  private answerTo(method: string, id: SessionId, at?: string, by?: string): string | undefined {
    if (by !== undefined) return this.peers.grant(id, by)
    if (method === 'PATCH') return collectAll(this.deps.follows, id)
    if (method === 'POST') return JSON.stringify(this.hold(id))
    if (method === 'GET') return this.holder(id, at)
    const missed = method === 'PUT' ? this.kept.get(id)?.missing.handOn() : this.handOn(id)
    return missed && writeMissed(missed)
  }

  /** keep goes on with a client's stream that this Instance ends, until another Instance asks for it. */
  keep(id: SessionId, stream: Keepable, maxEventBytes: number): void {
    const missing = new Missing((message) => this.calls.deliver(id, message), maxEventBytes)
    const close = stream.keep(
      (chunk) => missing.push(chunk),
      () => this.kept.delete(id),
    )
    this.kept.set(id, { missing, since: performance.now(), listener: undefined, close })
  }

  size(): number {
    return this.kept.size
  }

  close(): void {
    this.away.close()
    for (const id of [...this.kept.keys()]) this.release(id)
  }

  private settle(id: SessionId): void {
    if (this.isOn(id)) this.settled.add(id)
  }

  private holder(id: SessionId, at?: string): Holder | undefined {
    const { follows } = this.deps
    if (isFollowed(follows, id, at)) return isOpen(follows, id, at) ? 'client' : 'coming'
    const kept = this.kept.get(id)
    return kept && (kept.listener ? 'instance' : 'draining')
  }

  private hold(id: SessionId): Held {
    if (this.isOn(id)) this.moves.begin(id)
    return { isAsking: this.calls.haveSent(id, askMs), isHolder: this.kept.has(id) }
  }

  /** handOn gives the client what it missed, and the Endpoint's stream. */
  private handOn(id: SessionId): Missed | undefined {
    // A call that waited for it was sent a moment ago, and may be about to have the client asked.
    const isNew = performance.now() - (this.kept.get(id)?.since ?? -Infinity) < 2 * askMs
    if (this.attempts.has(id) || (isNew && this.calls.haveSent(id, askMs))) return undefined
    this.settle(id)
    return this.release(id)
  }

  private release(id: SessionId): Missed | undefined {
    const kept = this.kept.get(id)
    this.kept.delete(id)
    kept?.close()
    const untaken = this.untaken.get(id)
    this.untaken.delete(id)
    return joinMissed([untaken, kept?.missing.all()])
  }

  /** listen resolves once this is decided, or calls have waited long enough; undefined: it is already. */
  private listen(held: SessionEntry): Promise<unknown> | undefined {
    const { id, backendSessionId } = held.record
    const underway = this.attempts.get(id)
    if (underway) return underway
    if (!backendSessionId || held.isReplaced) return undefined
    if (isFollowed(this.deps.follows, id, backendSessionId)) return undefined
    const kept = this.kept.get(id)
    if (kept && isOfEarlierSession(kept, held.record)) this.release(id)
    else if (kept) return undefined
    if (this.settled.has(id)) return undefined
    // A call is sent in any case.
    const opened = hurry(this.deps.follows, id, patienceMs) ?? this.attempt(held)
    const attempt = opened.catch(() => this.late.add(id)).finally(() => this.attempts.delete(id))
    this.attempts.set(id, attempt)
    return attempt
  }

  private async attempt(held: SessionEntry): Promise<void> {
    const { id } = held.record
    const giveUpAt = performance.now() + patienceMs
    let asking: Promise<unknown> | undefined
    // Some servers speak on the newest stream only, and on none once that has ended: a client that has its own keeps it.
    await this.holderOf(id)
    for (let tries = 0; this.isOn(id) && !this.settled.has(id); tries++) {
      const outcome = (await this.peers.claim(id)) ? await this.open(held) : 'busy'
      if (outcome === 'none') this.settle(id)
      if (outcome === 'open') discard(this.yieldToClient(id))
      if (outcome !== 'busy') return
      if (performance.now() > giveUpAt) throw new Error('the Endpoint gave no stream in time')
      // Somebody has it, or the Endpoint does not know yet that nobody has.
      asking ??= this.holderOf(id).finally(() => (asking = undefined))
      await wait(busyPauseMs(tries), undefined, { ref: false })
    }
  }

  /** yieldToClient has the client's own stream collect this one, where there is one, at an Endpoint that allows several. */
  private async yieldToClient(id: SessionId): Promise<void> {
    const kept = this.kept.get(id)
    await this.moves.over(id)?.catch(() => undefined)
    await this.peers.offer(id, () => this.kept.get(id) === kept)
  }

  /** holderOf asks the others who has the Endpoint's stream. */
  private async holderOf(id: SessionId): Promise<Holder | undefined> {
    const holder = await this.peers.holder(id)
    if (holder) this.settle(id)
    return holder
  }

  private async whereIs(id: SessionId): Promise<Holder | undefined> {
    const { follows } = this.deps
    const holder = isOpen(follows, id) ? 'client' : await this.peers.holder(id)
    if (holder === 'client') this.settle(id)
    return holder !== 'client' && isFollowed(follows, id) ? 'coming' : holder
  }

  private async open(held: SessionEntry): Promise<ListenOutcome> {
    const { id } = held.record
    const onEnded = (): void => {
      if (this.kept.get(id) === kept) this.kept.delete(id)
    }
    const kept = createKept(this.deps.client, held, this.calls, onEnded)
    const outcome = await kept.listener.open(this.deps.client, held)
    // Its client may have come back meanwhile.
    if (outcome !== 'open' || !this.isOn(id) || this.settled.has(id)) kept.close()
    else if (!kept.listener.isOver()) this.kept.set(id, kept)
    return outcome
  }

  private onBack(id: SessionId | undefined): void {
    for (const each of [this.settled, this.late, this.moves])
      if (id === undefined) each.clear()
      else each.delete(id)
    for (const each of [...this.untaken.keys()]) if (!this.isOn(each)) this.untaken.delete(each)
    this.closeUnneeded()
  }

  private closeUnneeded(): void {
    const busy = this.calls.sessions()
    for (const [id, { listener }] of this.kept)
      if (listener && !busy.has(id) && !this.isOn(id)) this.release(id)
  }
}
