import type { LiveHooks, Pending } from './live-hooks.js'
import type { Replay } from './replay.js'

/** Debts are the answers that a client of 2024-11-05 is owed on its Stream: it was told 202. */
export class Debts {
  private readonly stream: Replay
  private readonly hooks: Pick<LiveHooks, 'onTold' | 'onUnheard'>
  // Made with the first entry: most sessions of a crowd are idle.
  private unanswered: Map<string, Pending> | undefined
  /** Answers that wait for the Stream. */
  private unheard: Set<string> | undefined

  constructor(stream: Replay, hooks: Pick<LiveHooks, 'onTold' | 'onUnheard'>) {
    this.stream = stream
    this.hooks = hooks
  }

  add(pending: Pending): void {
    this.unanswered = (this.unanswered ?? new Map<string, Pending>()).set(
      pending.message.id,
      pending,
    )
  }

  /** take takes out a request; undefined: there is none of this id. */
  take(id: string): Pending | undefined {
    const pending = this.unanswered?.get(id)
    this.unanswered?.delete(id)
    return pending
  }

  ids(): readonly string[] {
    return [...(this.unanswered?.keys() ?? [])]
  }

  size(): number {
    return this.unanswered?.size ?? 0
  }

  /** leave leaves the requests to somebody else. */
  leave(): void {
    this.unanswered = undefined
  }

  /** tell tells an answer, now or once the client is there. */
  tell(id: string, answer: Buffer): void {
    const isHeard = this.stream.isHeard()
    this.stream.say(answer)
    if (isHeard) {
      this.hooks.onTold(id, answer)
      return
    }
    this.unheard = (this.unheard ?? new Set<string>()).add(id)
    this.hooks.onUnheard(id, answer)
  }

  /** hear says that the client is there, and has been told what waited for it: the answers to these requests. */
  hear(): ReadonlySet<string> {
    const { unheard = new Set<string>() } = this
    for (const id of unheard) this.hooks.onTold(id)
    this.unheard = undefined
    return unheard
  }
}
