import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, Session, SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { HttpClient } from '@mcp-router/upstream'
import type { Peers } from '../handoff/peers.js'
import type { HeldSession } from './held.js'
import { Listener } from './listener.js'
import { ListeningCalls } from './listening-calls.js'
import type { ListeningCall } from './listening-calls.js'
import { hurry, hurryAll, isFollowed } from './follows.js'
import type { Follows } from './follows.js'
import { joinMissed, Missing, readMissed, writeMissed } from './missed.js'
import type { Missed } from './missed.js'

/** Where one Instance asks another for the server's own stream of a portable Session: GET whether it has it, DELETE to have it released. */
export const listeningPrefix = '/internal/listening/'

/** Kept is the Endpoint's stream of a Session whose client's stream is away. */
interface Kept {
  readonly missing: Missing
  /** What holds it, for a client to go on with; undefined: the client's stream of this Instance, which drains. */
  readonly listener: Listener | undefined
  /** The session at the Endpoint that the listener is for. */
  readonly at?: string
  /** As `performance.now()` counts. */
  readonly since?: number
  close(): void
}

/** Keepable is a client's stream that can go on at the Endpoint without its client. */
export interface Keepable {
  keep(onChunk: (chunk: Buffer) => void, onEnded: () => void): () => void
}

/** Holder is who holds the Endpoint's stream at an Instance: the client, which is connected, or the Instance in the place of that, which may drain. */
type Holder = 'client' | 'instance' | 'draining'

interface Deps {
  readonly client: HttpClient
  readonly peers: Pick<Peers, 'ask'>
  readonly follows: Follows
}

/** How long after a fault clients may be away with their streams, ms: those of the official SDKs come back after 1 s, and after 2.5 s once more. */
const awayMs = 10_000
/** How long a call may wait for the Endpoint's stream: the Endpoint learns of the end of the one before by itself, ms. */
const patienceMs = 1_000
/** A call that was sent since an Instance holds the Endpoint's stream has the client asked within this, if it does so at once, ms. */
const handOnMs = 1_000
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
  private readonly deps: Deps

  constructor(deps: Deps) {
    this.deps = deps
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
      for (const each of [this.settled, this.late, this.untaken]) each.clear()
      this.closeUnneeded()
    }, awayMs)
    this.timer.unref()
    hurryAll(this.deps.follows)
    for (const { session } of this.calls) void this.listen(session)
  }

  /** before calls `send` once the server is heard, or cannot be. */
  before({ session }: ListeningCall, send: () => void): void {
    const { id } = session.record
    this.kept.get(id)?.missing.retake()
    const attempt = this.listen(session)
    if (attempt && !this.late.has(id)) void attempt.then(send)
    else send()
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
    return (await this.holders(id)).find(({ holder }) => holder === 'instance')?.from
  }

  /** collect has the Endpoint's stream of a Session released for the client, whose own is here, by whoever has it; undefined: nobody has. */
  async collect(id: SessionId): Promise<Missed | undefined> {
    this.settle(id)
    const here = this.release(id)
    const answers = await this.deps.peers.ask('DELETE', listeningPrefix + encodeURIComponent(id))
    return joinMissed([here, ...answers.map(({ body }) => readMissed(body))])
  }

  /** giveBack keeps for the client's next stream what was collected for one that is gone. */
  giveBack(id: SessionId, missed: Missed): void {
    if (this.isOn) this.untaken.set(id, missed)
  }

  /** answer tells another Instance. */
  answer(method: string, url: string, res: ServerResponse): void {
    const id = asSessionId(decodeURIComponent(url.slice(listeningPrefix.length)))
    const isCollected = method === 'DELETE'
    const missed = id && isCollected ? this.handOn(id) : undefined
    const holder = id && !isCollected ? this.holder(id) : undefined
    res.writeHead(missed || holder ? 200 : 404)
    res.end(missed ? writeMissed(missed) : holder)
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
    if (isFollowed(this.deps.follows, id)) return 'client'
    const kept = this.kept.get(id)
    return kept && (kept.listener ? 'instance' : 'draining')
  }

  /**
   * handOn gives the client what it missed, and the Endpoint's stream: but not while a call that was sent from here may be about to have it asked,
   * for an Endpoint that has no stream at that moment asks nobody. Its client comes again for the rest.
   */
  private handOn(id: SessionId): Missed | undefined {
    const { missing, since = -Infinity } = this.kept.get(id) ?? {}
    if (this.attempts.has(id)) return undefined
    if (missing && performance.now() - since < handOnMs && this.calls.has(id))
      return missing.handOn()
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
    if ((await this.holderOf(id)) !== 'client') return
    this.kept.get(id)?.missing.retake()
    this.release(id)
  }

  /** holderOf asks the others who has the Endpoint's stream. */
  private async holderOf(id: SessionId): Promise<Holder | undefined> {
    const holders = (await this.holders(id)).map(({ holder }) => holder)
    if (holders.length > 0) this.settle(id)
    return holders.includes('client') ? 'client' : holders[0]
  }

  private async holders(id: SessionId) {
    const answers = await this.deps.peers.ask('GET', listeningPrefix + encodeURIComponent(id))
    return answers.map(({ from, body }) => ({ from, holder: String(body) as Holder })) // an Instance's
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
    const since = performance.now()
    const kept: Kept = { missing, listener, at, since, close: () => listener.close() }
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

const isOfEarlierSession = ({ at }: Kept, { backendSessionId }: Session): boolean =>
  at !== undefined && at !== backendSessionId
