import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Peers } from '../handoff/peers.js'
import type { HeldSession } from './held.js'
import { Listener } from './listener.js'
import { ListeningCalls } from './listening-calls.js'
import type { ListeningCall } from './listening-calls.js'
import { isOfEarlierSession } from './listening-kept.js'
import type { Keepable, Kept } from './listening-kept.js'
import { askMs, ListeningPeers, listeningPrefix } from './listening-peers.js'
import type { Holder } from './listening-peers.js'
import { hurry, hurryAll, isFollowed, isOpen } from './follows.js'
import type { Follows } from './follows.js'
import { joinMissed, Missing, writeMissed } from './missed.js'
import type { Missed } from './missed.js'
import { Moves } from './moves.js'
import type { Held } from './moves.js'

interface Deps {
  readonly client: HttpClient
  readonly peers: Pick<Peers, 'ask'>
  readonly follows: Follows
}

/** How long after a fault clients may be away with their streams, ms: those of the official SDKs come back after 1 s, and after 2.5 s once more. */
const awayMs = 10_000
/** How long a call may wait for the Endpoint's stream: the Endpoint learns of the end of the one before by itself, ms. */
const patienceMs = 1_000
const firstBusyMs = 2
const maxBusyMs = 50

/**
 * Listening sees to it that a server which asks its client on the session's own stream (GET) is heard while that is away, because the Instance
 * that had it is gone or drains. For a while after such a fault each Instance holds the Endpoint's stream of the portable Sessions whose calls
 * it passes, unless another one does, and delivers what comes on the stream of a call. What no call can take is kept for the client's next stream,
 * wherever that is opened.
 */
export class Listening {
  /** An Instance has gone a moment ago: calls ask `before`. */
  isOn = false
  private timer: NodeJS.Timeout | undefined
  readonly calls = new ListeningCalls()
  private readonly kept = new Map<SessionId, Kept>()
  private readonly attempts = new Map<SessionId, Promise<unknown>>()
  /** Nobody needs to listen here: somebody else does, the client is back, or the Endpoint gives no stream. */
  private readonly settled = new Set<SessionId>()
  /** Calls waited in vain for the Endpoint's stream: those that follow go on at once. */
  private readonly late = new Set<SessionId>()
  /** What was collected for clients that were gone again by then. */
  private readonly untaken = new Map<SessionId, Missed>()
  private readonly moves = new Moves((id) => this.isWithClient(id))
  private readonly deps: Deps
  private readonly peers: ListeningPeers

  constructor(deps: Deps) {
    this.deps = deps
    this.peers = new ListeningPeers(deps.peers)
  }

  enter(call: ListeningCall): void {
    this.calls.add(call)
  }

  /** leave is for a call that is over. Idempotent. */
  leave(call: ListeningCall): void {
    if (this.calls.remove(call) && this.kept.size > 0 && !this.isOn) this.closeUnneeded()
  }

  /** onLost is for when another Instance is gone, or drains: its clients are away with their streams. */
  onLost(): void {
    this.isOn = true
    for (const each of [this.settled, this.late]) each.clear()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.isOn = false
      for (const each of [this.settled, this.late, this.untaken, this.moves]) each.clear()
      this.closeUnneeded()
    }, awayMs)
    this.timer.unref()
    hurryAll(this.deps.follows)
    for (const { session } of this.calls) void this.listen(session)
  }

  /** before calls `send` once the server is heard, or cannot be. */
  before(call: ListeningCall, send: () => void): void {
    const { session } = call
    const { id } = session.record
    this.kept.get(id)?.missing.retake()
    const move = this.moves.over(id)
    const attempt = move?.then(() => this.listen(session)) ?? this.listen(session)
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

  /** adopt gives what this Instance listens to, to the client that is back. */
  adopt({ record }: HeldSession): Pick<Kept, 'missing' | 'listener'> | undefined {
    const { id } = record
    const kept = this.kept.get(id)
    if (!kept?.listener?.controller || isOfEarlierSession(kept, record)) return undefined
    if (this.untaken.has(id)) return undefined
    this.kept.delete(id)
    this.settle(id)
    return kept
  }

  /** listenerOf is the other Instance that listens in the client's place. */
  async listenerOf(id: SessionId): Promise<Instance | undefined> {
    if (this.kept.has(id)) return undefined
    return (await this.peers.holders(id)).find(({ holder }) => holder === 'instance')?.from
  }

  /**
   * collect has the Endpoint's stream of a Session released for the client, whose own is here, by whoever has it; false: nobody has. `take` is given
   * what they have collected.
   */
  async collect(id: SessionId, take: (missed: Missed) => void): Promise<boolean> {
    this.settle(id)
    await this.peers.untilAsked(id, () => this.hold(id), take)
    const here = this.release(id)
    const missed = joinMissed([here, await this.peers.release(id, take)])
    if (missed) take(missed)
    return missed !== undefined
  }

  /** giveBack keeps for the client's next stream what was collected for one that is gone. */
  giveBack(id: SessionId, missed: Missed): void {
    const all = joinMissed([this.untaken.get(id), missed])
    if (this.isOn && all) this.untaken.set(id, all)
  }

  /** answer tells another Instance. */
  answer(method: string, url: string, res: ServerResponse): void {
    const id = asSessionId(decodeURIComponent(url.slice(listeningPrefix.length)))
    const body = id && this.answerTo(method, id)
    res.writeHead(body ? 200 : 404)
    res.end(body)
  }

  private answerTo(method: string, id: SessionId): string | undefined {
    if (method === 'POST') return JSON.stringify(this.hold(id))
    if (method === 'GET') return this.holder(id)
    const missed = method === 'PUT' ? this.kept.get(id)?.missing.handOn() : this.handOn(id)
    return missed && writeMissed(missed)
  }

  /** keep goes on with a client's stream that this Instance ends, until another Instance asks for it. */
  keep(id: SessionId, stream: Keepable, maxEventBytes: number): void {
    const missing = new Missing((message) => this.deliver(id, message), maxEventBytes)
    const close = stream.keep(
      (chunk) => missing.push(chunk),
      () => this.kept.delete(id),
    )
    this.kept.set(id, { missing, listener: undefined, close })
  }

  size(): number {
    return this.kept.size
  }

  close(): void {
    clearTimeout(this.timer)
    this.isOn = false
    for (const id of [...this.kept.keys()]) this.release(id)
  }

  private settle(id: SessionId): void {
    if (this.isOn) this.settled.add(id)
  }

  private holder(id: SessionId): Holder | undefined {
    const { follows } = this.deps
    if (isFollowed(follows, id)) return isOpen(follows, id) ? 'client' : 'coming'
    const kept = this.kept.get(id)
    return kept && (kept.listener ? 'instance' : 'draining')
  }

  private hold(id: SessionId): Held {
    // Otherwise calls do not ask `before`.
    if (this.isOn) this.moves.begin(id)
    return { isAsking: this.calls.haveSent(id, askMs), isHolder: this.kept.has(id) }
  }

  /** handOn gives the client what it missed, and the Endpoint's stream. */
  private handOn(id: SessionId): Missed | undefined {
    if (this.attempts.has(id)) return undefined
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

  /** listen resolves once this is decided; undefined: it is already. */
  private listen(held: HeldSession): Promise<unknown> | undefined {
    const { id, backendSessionId } = held.record
    const underway = this.attempts.get(id)
    if (underway) return underway
    if (!backendSessionId || held.isReplaced || isFollowed(this.deps.follows, id)) return undefined
    const kept = this.kept.get(id)
    if (kept && isOfEarlierSession(kept, held.record)) this.release(id)
    else if (kept) return undefined
    if (this.settled.has(id)) return undefined
    // A call is sent in any case.
    const opened = hurry(this.deps.follows, id, patienceMs) ?? this.attempt(held)
    const attempt = opened.catch(() => undefined).finally(() => this.attempts.delete(id))
    this.attempts.set(id, attempt)
    return attempt
  }

  private async attempt(held: HeldSession): Promise<void> {
    const { id } = held.record
    const giveUpAt = performance.now() + patienceMs
    let asking: Promise<unknown> | undefined
    for (let tries = 0; this.isOn && !this.settled.has(id); tries++) {
      const outcome = await this.open(held)
      if (outcome === 'none') this.settle(id)
      if (outcome === 'open') discard(this.yieldToClient(id))
      if (outcome !== 'busy') return
      if (performance.now() > giveUpAt) {
        this.late.add(id)
        return
      }
      // Somebody has it, or the Endpoint does not know yet that nobody has.
      asking ??= this.holderOf(id).finally(() => (asking = undefined))
      await wait(Math.min(firstBusyMs * 2 ** tries, maxBusyMs), undefined, { ref: false })
    }
  }

  /** yieldToClient gives the stream up where the client has its own, at an Endpoint that allows several. */
  private async yieldToClient(id: SessionId): Promise<void> {
    await this.moves.over(id)
    const holder = await this.holderOf(id)
    if (holder !== 'client' && holder !== 'coming') return
    this.kept.get(id)?.missing.retake()
    this.release(id)
  }

  /** holderOf asks the others who has the Endpoint's stream. */
  private async holderOf(id: SessionId): Promise<Holder | undefined> {
    const holders = (await this.peers.holders(id)).map(({ holder }) => holder)
    if (holders.length > 0) this.settle(id)
    return holders.find((holder) => holder === 'client' || holder === 'coming') ?? holders[0]
  }

  private async isWithClient(id: SessionId): Promise<boolean> {
    if (isOpen(this.deps.follows, id)) return true
    const isThere = (await this.peers.holders(id)).some(({ holder }) => holder === 'client')
    if (isThere) this.settle(id)
    return isThere
  }

  private async open(held: HeldSession) {
    const { client } = this.deps
    const { id } = held.record
    const missing = new Missing((message) => this.deliver(id, message), client.maxResponseBytes)
    const onEnded = (): void => {
      if (this.kept.get(id) === kept) this.kept.delete(id)
    }
    const listener = new Listener({ onChunk: (chunk) => missing.push(chunk), onEnded })
    const at = held.record.backendSessionId
    const kept: Kept = { missing, listener, at, close: () => listener.close() }
    const outcome = await listener.open(client, held)
    // Its client may have come back meanwhile.
    if (outcome !== 'open' || !this.isOn || this.settled.has(id)) listener.close()
    else if (!listener.isOver()) this.kept.set(id, kept)
    return outcome
  }

  private deliver(id: SessionId, message: Message): boolean {
    return [...this.calls].some((on) => on.session.record.id === id && on.takeOutside(message))
  }

  private closeUnneeded(): void {
    const busy = new Set([...this.calls].map(({ session }) => session.record.id))
    for (const [id, { listener }] of this.kept) if (listener && !busy.has(id)) this.release(id)
  }
}
