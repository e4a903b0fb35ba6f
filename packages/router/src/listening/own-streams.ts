import type { SessionId } from '@mcp-router/core'
import type { Missed } from '../streams/backlog.js'

/**
 * Holder is who has the Endpoint's own stream of a Session at an Instance: a client, or soon (`coming`), or the Instance in its place, or one that drains,
 * or nobody, for the Endpoint refuses it while it has another one (`waiting`). The nearest to the client first.
 */
export const holders = ['client', 'coming', 'instance', 'draining', 'waiting'] as const
export type Holder = (typeof holders)[number]

/** OpenOutcome: the stream is open, the Endpoint has one of this session already, or it gives none. */
export type OpenOutcome = 'open' | 'busy' | 'none'

/** OwnStream is the own stream (GET) of a portable Session at its Endpoint, as this Instance has it. */
export interface OwnStream {
  /** It has no client: what comes is delivered by calls, or kept for the client. */
  readonly isDetached: boolean
  openInPlace(): Promise<OpenOutcome>
  /** Undefined: it is not open yet, or over, or open in another session at the server than `at`. */
  holder(at?: string): Holder | undefined
  /** Ends it, also towards its client, who opens it again where the Session goes on. */
  end(): void
  /** Ends it where it is open in another session at the server than `at`. */
  endUnless(at: string): void
  /** Ends it towards its client, who opens it again elsewhere, and goes on without one. */
  leave(): void
  /** Asks an Endpoint that refused it again at once. */
  hurry(): void
  /** Offers what is kept to the calls under way. */
  redeliver(): void
  /** Takes over what the client missed of another stream. */
  receive(missed: Missed): void
  /** Ends one without a client, and returns what is kept. */
  release(): Missed
}

/** OwnStreams are those of this Instance, by Session. */
export class OwnStreams {
  private readonly all = new Map<SessionId, Set<OwnStream>>()

  add(id: SessionId, stream: OwnStream): void {
    this.all.set(id, (this.all.get(id) ?? new Set()).add(stream))
  }

  remove(id: SessionId, stream: OwnStream): void {
    const those = this.all.get(id)
    if (those?.delete(stream) && those.size === 0) this.all.delete(id)
  }

  of(id: SessionId): readonly OwnStream[] {
    return [...(this.all.get(id) ?? [])]
  }

  /** holder is the one who is nearest to the client. */
  holder(id: SessionId, at?: string): Holder | undefined {
    const those = this.of(id).map((stream) => stream.holder(at))
    return holders.find((each) => those.includes(each))
  }

  *[Symbol.iterator](): Generator<[SessionId, OwnStream]> {
    for (const [id, those] of [...this.all]) for (const stream of [...those]) yield [id, stream]
  }
}
