import { RouterError } from '@mcp-router/core'
import type { Aged } from './ageing.js'
import type { Buffers } from './kept.js'
import { Replay } from './replay.js'
import type { ReplayKeeper } from './replay.js'

/** Place is where in which stream a client left off. */
export interface Place {
  readonly replay: Replay
  /** The last event that it has. */
  readonly after: number
}

/** How many streams that have ended a Session keeps, and how many bytes of them, before the oldest goes; the newest stays in any case. */
const maxEnded = 16
const maxEndedBytes = 4 * 1024 * 1024

/** So many calls of a Session may be streams at once: their clients may have left and come back. */
export const maxCalls = 1_000

/**
 * An event is named by its stream and its number, a stream by the Owner's epoch, from the second on, its number, and of a call the request
 * that it answers: so a later Owner knows which events are not its own, and whom it cannot answer any more. Where there is no Owner, it is
 * the Instance that has the stream.
 */
const eventId = /^((?:(\d{1,15})-|([\w.-]{1,200})~)?\d{1,15}(?:\.([\w-]{1,256}))?):(\d{1,15})$/

/**
 * Replays are the streams of one Session at its Owner: the one that the client opens by GET, and one for each call that is answered as a
 * stream. They are kept in memory: this is the place to look up what an Owner before this one has left behind.
 */
export class Replays implements Aged, ReplayKeeper {
  readonly standalone: Replay
  private readonly buffers: Buffers | undefined
  // Made with the first entry: most sessions of a crowd are idle.
  private calls: Map<string, Call> | undefined
  private readonly prefix: string
  private opened = 0

  /** Without Buffers, what is kept stays until the Session ends. */
  constructor(buffers?: Buffers, epoch = 1, instance = '') {
    this.buffers = buffers
    if (instance) this.prefix = `${instance}~`
    else this.prefix = epoch > 1 ? `${epoch}-` : ''
    this.standalone = new Replay(`${this.prefix}0`, this, [])
  }

  /** requireRoom throws OVERLOADED where the Session has as many calls under way as it may. */
  requireRoom(): void {
    if ((this.calls?.size ?? 0) < maxCalls + maxEnded) return
    throw new RouterError('OVERLOADED', { what: 'calls of one session under way', limit: maxCalls })
  }

  /** open begins the stream of the call with this id (JSON text). `onLapsed` comes, at most once, when no client came for it any more. */
  open(requestId: string, onLapsed: () => void): Replay {
    this.trim()
    this.opened++
    const replay = new Replay(this.prefix + nameOf(this.opened, requestId), this)
    this.calls = (this.calls ?? new Map<string, Call>()).set(replay.name, { replay, onLapsed })
    this.buffers?.ageing.add(this)
    return replay
  }

  /** find reads a Last-Event-ID; undefined: it is no event of this Session, or of a stream that is kept no more. */
  find(lastEventId: string): Place | undefined {
    const [, name, , , , n] = eventId.exec(lastEventId) ?? []
    if (name === undefined) return undefined
    const replay = name === this.standalone.name ? this.standalone : this.calls?.get(name)?.replay
    const after = Number(n)
    return replay?.has(after) ? { replay, after } : undefined
  }

  onKept(): void {
    this.buffers?.ageing.add(this)
  }

  onBytes(replay: Replay, change: number): void {
    this.buffers?.kept.count(replay, change)
  }

  onEnd(replay: Replay): void {
    this.buffers?.kept.end(replay, () => this.calls?.delete(replay.name))
  }

  age(now: number): boolean {
    const keeps = this.standalone.age(now)
    for (const [name, { replay, onLapsed }] of this.calls ?? []) {
      replay.age(now)
      if (!replay.isStale(now)) continue
      this.calls?.delete(name)
      replay.drop()
      onLapsed()
    }
    if (this.calls?.size === 0) this.calls = undefined
    return keeps || this.calls !== undefined
  }

  isEmpty(): boolean {
    return this.calls === undefined
  }

  /** close ends the client's stream and lets go of everything. */
  close(): void {
    this.standalone.end()
    this.standalone.drop()
    for (const { replay } of this.calls?.values() ?? []) replay.drop()
    this.calls = undefined
    this.buffers?.ageing.remove(this)
  }

  private trim(): void {
    const ended = [...(this.calls?.values() ?? [])].filter(({ replay }) => replay.hasEnded())
    let bytes = ended.reduce((sum, { replay }) => sum + replay.bytes(), 0)
    let count = ended.length
    for (const { replay } of ended.slice(0, -1)) {
      if (count < maxEnded && bytes <= maxEndedBytes) return
      this.calls?.delete(replay.name)
      bytes -= replay.bytes()
      count--
      replay.drop()
    }
  }
}

/** ForeignEvent is an event that an Owner before this one told. */
export interface ForeignEvent {
  /** The name of its stream. */
  readonly stream: string
  /** Of the Owner. */
  readonly epoch: number
  /** The Instance, where there is no Owner. */
  readonly instance: string | undefined
  /** The id (JSON text) of the request that its stream answered; undefined: it was the stream outside of calls. */
  readonly requestId: string | undefined
}

/** readForeign reads an event id that is none of this Owner's; undefined: it is none at all. */
export const readForeign = (lastEventId: string): ForeignEvent | undefined => {
  const [, stream, epoch, instance, encoded] = eventId.exec(lastEventId) ?? []
  if (stream === undefined) return undefined
  const id = encoded === undefined ? '' : Buffer.from(encoded, 'base64url').toString('utf8')
  return { stream, epoch: Number(epoch ?? 1), instance, requestId: isId(id) ? id : undefined }
}

/**
 * unknownEvent refuses an id that is not known, as servers of the official SDK do. A fresh stream would be no help: the answer that the client
 * waits for cannot come on it, and it would take the place of the one that the client has open.
 */
export const unknownEvent = (): RouterError => {
  const reason = 'Last-Event-ID names no event that is kept; GET without it for a new stream'
  return new RouterError('INVALID_REQUEST', { reason })
}

const longestId = 128

const nameOf = (n: number, requestId: string): string =>
  requestId.length > longestId ? String(n) : `${n}.${Buffer.from(requestId).toString('base64url')}`

const isId = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' || Number.isInteger(value)
  } catch {
    return false
  }
}

interface Call {
  readonly replay: Replay
  readonly onLapsed: () => void
}
