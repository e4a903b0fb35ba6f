import type { Aged, Ageing } from './ageing.js'
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

const standaloneName = '0'
const eventId = /^(\d{1,15}):(\d{1,15})$/

/**
 * Replays are the streams of one Session at its Owner: the one that the client opens by GET, and one for each call that is answered as a
 * stream. They are kept in memory: this is the place to look up what an Owner before this one has left behind.
 */
export class Replays implements Aged, ReplayKeeper {
  readonly standalone: Replay
  private readonly ageing: Ageing | undefined
  // Made with the first entry: most sessions of a crowd are idle.
  private calls: Map<string, Call> | undefined
  private opened = 0

  /** Without an Ageing, what is kept stays until the Session ends. */
  constructor(ageing?: Ageing) {
    this.ageing = ageing
    this.standalone = new Replay(standaloneName, this)
  }

  /** open begins the stream of a call. `onLapsed` comes, at most once, when no client came for it any more. */
  open(onLapsed: () => void): Replay {
    this.trim()
    this.opened++
    const replay = new Replay(String(this.opened), this)
    this.calls = (this.calls ?? new Map<string, Call>()).set(replay.name, { replay, onLapsed })
    this.ageing?.add(this)
    return replay
  }

  /** find reads a Last-Event-ID; undefined: it is no event of this Session, or of a stream that is kept no more. */
  find(lastEventId: string): Place | undefined {
    const [, name, n] = eventId.exec(lastEventId) ?? []
    if (name === undefined) return undefined
    const replay = name === standaloneName ? this.standalone : this.calls?.get(name)?.replay
    const after = Number(n)
    return replay?.has(after) ? { replay, after } : undefined
  }

  onKept(): void {
    this.ageing?.add(this)
  }

  age(now: number): boolean {
    const keeps = this.standalone.age(now)
    for (const [name, { replay, onLapsed }] of this.calls ?? []) {
      replay.age(now)
      if (!replay.isStale(now)) continue
      this.calls?.delete(name)
      onLapsed()
    }
    if (this.calls?.size === 0) this.calls = undefined
    return keeps || this.calls !== undefined
  }

  /** close ends the client's stream and lets go of everything. */
  close(): void {
    this.standalone.end()
    this.calls = undefined
    this.ageing?.remove(this)
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
    }
  }
}

interface Call {
  readonly replay: Replay
  readonly onLapsed: () => void
}
