import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { Peers } from '../cluster/peers.js'
import type { SessionEntry } from '../sessions/entry.js'
import { writeMissed } from '../streams/backlog.js'
import type { Missed } from '../streams/backlog.js'
import { ListeningCalls } from './listening-calls.js'
import type { ListeningCall } from './listening-calls.js'
import { holderText, ListeningPeers, readTarget } from './listening-peers.js'
import type { Peer, Target } from './listening-peers.js'
import { holders, OwnStreams } from './own-streams.js'
import type { OpenOutcome, OwnStream } from './own-streams.js'
import type { EdgeResponse } from '../http/edge.js'

interface Deps {
  readonly instance: InstanceId
  readonly peers: Pick<Peers, 'ask'>
  /** Makes one without a client. */
  readonly streamOf: (held: SessionEntry) => OwnStream
}

interface Gathered {
  readonly listener: Instance | undefined
  readonly missed: readonly Missed[]
}

/** How long after a fault clients may be away with their streams, ms: those of the official SDKs come back after 1 s, and after 2.5 s once more. */
const awayMs = 10_000
/** How long a call may wait for the Endpoint's stream: the Endpoint learns of the end of the one before by itself, ms. */
const patienceMs = 1_500
/** … where the client is about to have it all the time. */
const comingMs = 5_000
/** A call has the client asked within this, if it does so at once, ms. */
const askMs = 1_000
/** When it is looked whether the client has its own stream after all, ms: an Instance under load may not have answered in time. */
const lookAgainMs = [500, 1_000, 2_000]

/**
 * Listening sees to it that a server which asks its client on the session's own stream (GET) is heard while that is away, because the Instance that
 * had it is gone or drains, or the session at the server is a new one. For a while after such a fault a call of the Session waits until some Instance
 * has the stream. Where none does, this one opens it, and delivers what comes on the stream of a call. The rest is kept for the client, whose next
 * stream goes on here wherever it is opened; only an Instance that drains hands its own on.
 */
export class Listening {
  readonly calls = new ListeningCalls()
  readonly streams = new OwnStreams()
  private readonly away = new Map<SessionId | 'all', NodeJS.Timeout>()
  private readonly attempts = new Map<SessionId, Promise<void>>()
  /** Calls go on at once: another Instance has the stream, or it is not to be had. */
  private readonly settled = new Set<SessionId>()
  /** What is open in the client's place stays open for calls under way, though its client had the time to come back. */
  private readonly lasting = new Set<SessionId>()
  /** What is kept for clients that have no stream here. */
  private readonly kept = new Map<SessionId, Missed>()
  private readonly peers: ListeningPeers
  private readonly deps: Deps

  constructor(deps: Deps) {
    this.deps = deps
    this.peers = new ListeningPeers(deps.peers, deps.instance)
  }

  enter(call: ListeningCall): void {
    this.calls.add(call)
  }

  /** Idempotent. */
  leave(call: ListeningCall): void {
    this.calls.remove(call)
    const { id } = call.session.record
    if (this.lasting.size > 0 && this.lasting.has(id)) this.endUnneeded(id)
  }

  /** isOn: calls of this Session ask `before`. */
  isOn(id: SessionId): boolean {
    return this.away.size > 0 && (this.away.has('all') || this.away.has(id))
  }

  /** onLost is for when another Instance is gone, or drains: its clients are away with their streams. */
  onLost(): void {
    this.begin('all')
    for (const [, stream] of this.streams) stream.hurry()
    for (const { session } of this.calls) discard(this.listen(session))
  }

  /** onMoved is for a Session that goes on in another session at a server: a stream of the one before is nobody's any more. */
  onMoved(id: SessionId, record?: Session): void {
    this.begin(id)
    if (record) this.endStale(record)
  }

  /** keepForClient keeps for the client's next stream what it did not get. */
  keepForClient(id: SessionId, missed: Missed): void {
    if (!this.isOn(id) || missed.frames.length === 0) return
    const { frames, ids } = this.kept.get(id) ?? { frames: [], ids: [] }
    this.kept.set(id, { frames: [...frames, ...missed.frames], ids: [...ids, ...missed.ids] })
  }

  takeKept(id: SessionId): Missed | undefined {
    const kept = this.kept.get(id)
    this.kept.delete(id)
    return kept
  }

  /** end ends the streams of a Session that is over. */
  end(id: SessionId): void {
    for (const stream of this.streams.of(id)) stream.end()
  }

  /** before resolves once the server is heard, or cannot be, so that the call may be sent; undefined: it may at once. */
  before(call: ListeningCall): Promise<void> | undefined {
    const { id, backendSessionId } = call.session.record
    for (const stream of this.streams.of(id)) stream.redeliver()
    const here = this.streams.holder(id, backendSessionId)
    if (here === 'client' || here === 'instance' || this.settled.has(id)) return undefined
    call.sentAt = undefined
    return this.listen(call.session).then(() => void (call.sentAt = performance.now()))
  }

  /**
   * gather resolves with the Instance that has the stream in the client's place. Where none has, it has those that drain close theirs, and resolves
   * with what the client missed. It waits until calls that were sent before have had the client asked, or are not about to: an Endpoint that has no
   * stream at that moment asks nobody.
   */
  async gather(record: Session): Promise<Gathered> {
    const { id } = record
    const giveUpAt = performance.now() + askMs
    for (;;) {
      const others = await this.peers.ask(record)
      const listener = others.find(({ holder }) => holder === 'instance')?.from
      const draining = others.filter((each) => each.holder === 'draining' || each.isKeeping)
      if ((listener ?? draining[0]) && !this.isOn(id)) this.begin(id)
      if (listener || draining.length === 0) return { listener, missed: [] }
      const isAsking = this.calls.haveSent(id, askMs) || others.some((each) => each.isAsking)
      if (!isAsking || performance.now() > giveUpAt) {
        const collecting = draining.map(({ from }) => this.peers.collect(id, from))
        return { listener, missed: (await Promise.all(collecting)).flat() }
      }
      await wait(pauseMs(0), undefined, { ref: false })
    }
  }

  /** answer tells another Instance. */
  answer(method: string, url: string, res: EdgeResponse): void {
    const target = readTarget(url)
    const body = target.id && this.answerTo(method, target.id, target)
    res.writeHead(body === undefined ? 404 : 200, []).end(body)
  }

  private answerTo(method: string, id: SessionId, { at, by }: Target): string | undefined {
    switch (method) {
      case 'GET':
        return holderText(
          this.streams.holder(id, at),
          this.calls.haveSent(id, askMs),
          this.kept.has(id),
        )
      case 'POST':
        return this.peers.answerClaim(id, by ?? '')
      case 'PATCH':
        discard(this.collect(id))
        return ''
      case 'DELETE': {
        const detached = this.streams.of(id).find(({ isDetached }) => isDetached)
        const kept = this.takeKept(id)
        const missed = detached?.release() ?? kept
        if (detached && kept) this.keepForClient(id, kept)
        return missed && writeMissed(missed)
      }
      default:
        return undefined
    }
  }

  close(): void {
    for (const timer of this.away.values()) clearTimeout(timer)
    for (const [, stream] of this.streams) stream.end()
  }

  /** collect has the client's stream here get what comes on one in its place. One that its Endpoint refuses goes on at the Instance that has that. */
  private async collect(id: SessionId): Promise<void> {
    const streams = this.streams.of(id)
    const own = streams.find((stream) => stream.holder() === 'client')
    if (own) for (const missed of await this.peers.collect(id)) own.receive(missed)
    else for (const stream of streams) if (stream.holder() === 'waiting') stream.hurry()
  }

  /** listen resolves once somebody has the stream, or calls have waited long enough. */
  private listen(held: SessionEntry): Promise<void> {
    const { id } = held.record
    const underway = this.attempts.get(id)
    if (underway) return underway
    const attempt = this.attempt(held)
      .catch(() => undefined)
      .finally(() => this.attempts.delete(id))
    this.attempts.set(id, attempt)
    return attempt
  }

  private async attempt(held: SessionEntry): Promise<void> {
    const { id } = held.record
    const beganAt = performance.now()
    let giveUpAt = beganAt + patienceMs
    for (let tries = 0; this.isOn(id) && !this.settled.has(id); tries++) {
      const { record } = held
      if (!record.backendSessionId || held.isReplaced) return
      const here = this.streams.holder(id, record.backendSessionId)
      if (here === 'client' || here === 'instance') return
      const others = await this.peers.ask(record)
      const all = [here, ...others.map(({ holder }) => holder)]
      const found = holders.find((each) => all.includes(each)) ?? (await this.open(held, others))
      // A client may have taken over what the Endpoint refused then.
      const isRefused = found === 'open' && this.streams.holder(id) === 'waiting'
      if (found === 'draining' || (found === 'open' && !isRefused)) return
      const now = performance.now()
      if (found === 'coming') giveUpAt = Math.min(now + patienceMs, beganAt + comingMs)
      const mayWait = found !== 'none' && found !== 'client' && found !== 'instance'
      if (mayWait && now < giveUpAt) await wait(pauseMs(tries), undefined, { ref: false })
      else if (this.isOn(id)) this.settled.add(id)
    }
  }

  private async open(held: SessionEntry, others: readonly Peer[]): Promise<OpenOutcome> {
    const { record } = held
    this.endStale(record)
    if (!(await this.peers.claim(record.id, others))) return 'busy'
    // Its client may have come back meanwhile.
    if (this.streams.holder(record.id, record.backendSessionId)) return 'busy'
    const stream = this.deps.streamOf(held)
    const outcome = await stream.openInPlace()
    discard(this.lookAgain(stream, record))
    return outcome
  }

  /**
   * lookAgain has the client's own stream collect what comes on this one, where there is one after all: at an Endpoint that allows several, or at an
   * Instance that asked the others when this one was not open yet.
   */
  private async lookAgain(stream: OwnStream, record: Session): Promise<void> {
    this.endUnneeded(record.id)
    for (const ms of lookAgainMs) {
      await wait(ms, undefined, { ref: false })
      if (stream.holder() !== 'instance') return
      const all = await this.peers.ask(record)
      const [client] = (['client', 'waiting'] as const).flatMap((holder) =>
        all.filter((each) => each.holder === holder),
      )
      if (client) await this.peers.offer(record.id, client.from)
    }
  }

  private endStale({ id, backendSessionId }: Session): void {
    for (const stream of this.streams.of(id)) stream.endUnless(backendSessionId)
  }

  private begin(id: SessionId | 'all'): void {
    if (id === 'all') this.settled.clear()
    else this.settled.delete(id)
    clearTimeout(this.away.get(id))
    const end = (): void => {
      this.away.delete(id)
      for (const each of [...this.kept.keys()]) if (!this.isOn(each)) this.kept.delete(each)
      for (const [each] of this.streams) this.endUnneeded(each)
    }
    this.away.set(id, setTimeout(end, awayMs).unref())
  }

  /** endUnneeded ends what has no client, and no call to deliver what comes. */
  private endUnneeded(id: SessionId): void {
    if (this.isOn(id)) return
    this.lasting.delete(id)
    for (const stream of this.streams.of(id).filter(({ isDetached }) => isDetached))
      if (this.calls.of(id).length > 0) this.lasting.add(id)
      else stream.end()
  }
}

/** How long after so many tries it is tried again, ms. */
const pauseMs = (tries: number): number => Math.min(2 ** (tries + 1), 50)
