import type { Backend, Endpoint, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { BadAnswer, discard, doubtIn, doubtInResponse, SessionLost } from '@mcp-router/upstream'
import type { HttpAnswer, SessionDoubt } from '@mcp-router/upstream'
import { isQuestion } from '../../calls/call-deadline.js'
import { noteAsked, noteActivity } from '../../calls/silence.js'
import type { Activity, Silence } from '../../calls/silence.js'
import { failureOf } from '../../calls/failure.js'
import { isResent, Recovery } from '../../calls/recover.js'
import type { Context } from '../../context.js'
import { acceptedOf } from '../../http/accept.js'
import type { Incoming } from '../../http/incoming.js'
import { noteAskedOutside } from '../../listening/asked.js'
import type { ListeningCall } from '../../listening/listening-calls.js'
import type { Outlet } from '../../outlet/outlet.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { marked } from '../../sessions/question-id.js'
import { HttpExchange } from '../http-exchange.js'
import type { Head } from '../http-exchange.js'
import { noteCookies } from './note-cookies.js'
import { ownAnswer } from './own-answer.js'
import { limitPortable } from './portable-limit.js'
import { httpEndpoint, portablePost } from './portable-request.js'
import { isForgotten, reopenPortable } from './reopen.js'
import type { Refused } from './reopen.js'

/**
 * PortableCall is one message of a portable Session at its Endpoint, alone or as a member of a batch. Where the Endpoint refuses it for want of the
 * session, it was never executed: the session is reopened, once for all calls that wait, and the message sent again.
 */
export class PortableCall extends HttpExchange implements ListeningCall, Activity {
  older: ListeningCall | undefined
  newer: ListeningCall | undefined
  sentAt: number | undefined = performance.now()
  activeAt = 0
  readonly session: SessionEntry
  private readonly context: Context
  private readonly outlet: Outlet
  private limit: Silence | undefined
  private recovery: Recovery | undefined
  /** As the session at the server gets it. */
  private sent: Message
  /** The record and the Endpoint as they were when it was sent. */
  private sentBy: Session
  private sentTo: Endpoint

  constructor(
    context: Context,
    incoming: Incoming,
    session: SessionEntry,
    message: Message,
    outlet: Outlet,
  ) {
    super(context, incoming, message)
    this.context = context
    this.session = session
    this.outlet = outlet
    this.sent = message
    this.sentBy = session.record
    this.sentTo = session.endpoint
  }

  get activity(): Activity {
    return this
  }

  /** start sends it. `quietMs`: its answer becomes a stream where its client was told nothing for so long. */
  start(quietMs?: number): void {
    const { context, session, message } = this
    this.limit = limitPortable(context, session, message, this, (error) => this.expire(error))
    if (quietMs !== undefined) this.limit?.quietFor(this.incoming, quietMs)
    if (message.kind === 'request') context.listening.enter(this)
    this.sendWhenListening()
  }

  takeOutside(said: Message): boolean {
    const { incoming, outlet } = this
    if (this.over || this.answered || !acceptedOf(incoming.req.headers.accept).stream) return false
    if (!outlet.sayOutside(said)) return false
    noteAskedOutside(this.context, this.session.record, said)
    return true
  }

  protected onHead(head: Head, isStream: boolean): void {
    this.context.selector.worked(this.sentTo)
    noteCookies(this.context, this.session, this.sentBy, head.headers)
    this.outlet.onHead?.(head, isStream)
  }

  protected onSaid(said: Message, event: SseEvent): void {
    noteActivity(this)
    if (isQuestion(said)) noteAsked(this, this.context.deps.options.inputTtlMs)
    this.outlet.say(marked(said, this.sentBy.backendSessionId), event)
  }

  protected onEvent(event: SseEvent): void {
    this.outlet.onEvent?.(event)
  }

  protected onResponse(response: Message, head: Head, event?: SseEvent): void {
    this.outlet.answer(response, head, event)
  }

  protected onEnd(): void {
    this.outlet.onEnd?.()
  }

  protected onTaken(status: number, refusal: Message | undefined): void {
    this.outlet.acknowledge?.(status, refusal)
  }

  protected onFailed(error: Error, hasEnded = false): void {
    if (this.over) return
    // It may be fetched later.
    if (hasEnded && this.outlet.hasIds?.()) {
      this.finish()
      this.outlet.onEnd?.()
      return
    }
    const backend = this.backend()
    if (!backend) {
      this.fail(error)
      return
    }
    // An answer, or a refusal of this router's, does not say that the Endpoint is gone.
    const isAnswer = error instanceof RouterError || error instanceof BadAnswer
    if (!hasEnded && !isAnswer && !(error instanceof SessionLost))
      this.context.selector.failed(this.sentTo)
    this.recovery ??= this.recoveryFor(backend)
    this.recovery.after(error, (decision, told) => {
      if (this.over) return
      if (isResent(decision)) this.outlet.forget?.()
      switch (decision) {
        case 'elsewhere':
        case 'reopen': {
          const at = error instanceof SessionLost ? this.sentTo : undefined
          this.reopen({ at, by: this.sentBy, isElsewhereBetter: decision === 'elsewhere' })
          return
        }
        case 'repeat':
          // Nothing is sent to the place of an Endpoint that was replaced: the session there is another one.
          if (this.session.isReplaced) this.reopen({ at: undefined, by: this.sentBy })
          else this.sendWhenListening()
          return
        default:
          if (error instanceof SessionLost)
            discard(this.context.sessions.end(this.session, 'its server forgot it repeatedly'))
          this.fail(told)
      }
    })
  }

  /** A response may speak of a session that is gone: where it is the same in a new one, it is the answer. */
  protected override settle(response: Message, event?: SseEvent): void {
    const isFirst = this.sentBy.backendSessionId && !this.recovery?.attempts
    const doubt = isFirst ? doubtInResponse(response) : undefined
    if (!doubt) {
      super.settle(response, event)
      return
    }
    if (event) this.dismiss('the session is in doubt')
    this.unlessForgotten(doubt, () => super.settle(response, event))
  }

  protected override judge(answer: HttpAnswer): void {
    const doubt = this.sentBy.backendSessionId ? doubtIn(answer) : undefined
    if (doubt) this.unlessForgotten(doubt, () => super.judge(answer))
    else super.judge(answer)
  }

  protected override finish(): void {
    super.finish()
    if (this.limit) this.context.deadlines.remove(this.limit)
    this.context.listening.leave(this)
  }

  private unlessForgotten(doubt: SessionDoubt, otherwise: () => void): void {
    const { context, session, sentBy, sentTo } = this
    void isForgotten(context, session, sentBy, doubt).then((is) => {
      if (this.over) return
      if (is) this.onFailed(new SessionLost(sentTo.id))
      else otherwise()
    })
  }

  private backend(): Backend | undefined {
    return this.context.deps.registry.snapshot().backends.get(this.session.record.backend)
  }

  private recoveryFor(backend: Backend): Recovery {
    const { requestId, at } = this.incoming
    return new Recovery(this.context, { backend, message: this.message, requestId, at })
  }

  /** sendWhenListening sends it once its server is heard, also outside of calls. */
  private sendWhenListening(): void {
    const { listening } = this.context
    const { session, message } = this
    if (message.kind === 'response') discard(this.sendAnswer())
    else if (message.kind !== 'request' || !listening.isOn(session.record.id)) this.send()
    else {
      const opening = listening.before(this)
      if (opening) discard(opening.then(() => this.send()))
      else this.send()
    }
  }

  private send(): void {
    if (this.over) return
    const { context, incoming, session } = this
    try {
      const endpoint = httpEndpoint(session)
      this.sentBy = session.record
      this.sentTo = endpoint
      incoming.endpoint = endpoint.id
      context.deps.client.dispatch(endpoint.url, portablePost(session, incoming, this.sent), this)
    } catch (error) {
      // A command may have taken the place of its Endpoint.
      this.fail(error)
    }
  }

  /** An answer is for the session at the server that has asked: where that is gone, nobody waits for it. */
  private async sendAnswer(): Promise<void> {
    try {
      const own = await ownAnswer(this.context, this.session, this.message)
      if (this.over) return
      if (own) {
        this.sent = own
        this.send()
        return
      }
      this.finish()
      this.outlet.acknowledge?.(202, undefined)
    } catch (error) {
      this.fail(error)
    }
  }

  /** reopen goes on in a new session. */
  private reopen(refused: Refused): void {
    reopenPortable(this.context, this.session, refused).then(
      () => {
        if (!this.over) this.sendWhenListening()
      },
      (error: unknown) => this.fail(error),
    )
  }

  private expire(error: RouterError): void {
    if (this.over || this.answered) return
    this.fail(error)
    this.controller?.abort(error)
  }

  private fail(error: unknown): void {
    if (this.over) return
    this.finish()
    this.outlet.fail(failureOf(this.session.record.backend, error))
  }
}
