import type { Endpoint, Session } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import { createSseDecoder, isStrayProgress, progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import {
  BadAnswer,
  discard,
  doubtIn,
  doubtInResponse,
  isEventStream,
  lingerMs,
  ownResponse,
  post,
  refusalOf,
  readEvent,
  wholeResponseIn,
  SessionLost,
  wasNeverSent,
} from '@mcp-router/upstream'
import type { ChunkTaker, HttpAnswer, HttpPosting, SessionDoubt } from '@mcp-router/upstream'
import { isQuestion, noteAsked, noteHeard } from '../../calls/call-deadline.js'
import type { Context } from '../../context.js'
import { failureOf } from '../../calls/failure.js'
import type { Timed } from '../../calls/deadlines.js'
import type { Incoming } from '../../http/incoming.js'
import { isBroken } from '../../calls/outcome.js'
import { afterBreak } from '../../calls/after-break.js'
import { traceOf } from '../../http/trace.js'
import { acceptedOf } from '../../http/accept.js'
import { noteAskedOutside } from '../../listening/asked.js'
import type { Carrier } from './carrier.js'
import type { HeldSession } from '../../sessions/held.js'
import type { ListeningCall } from '../../listening/listening-calls.js'
import { limitPortable } from './portable-limit.js'
import { httpEndpoint } from './portable-request.js'
import { ownAnswer } from './own-answer.js'
import { marked } from '../../sessions/question-id.js'
import { isForgotten, reopenPortable } from './reopen.js'
import type { Reply } from '../../outlet/reply.js'

/** How often the session is opened anew for one message, as for one that comes alone. */
const maxTries = 2

/** Sent is where a message went, as the Session was then. */
interface Sent {
  readonly at: Endpoint
  readonly by: Session
}

/** PortableCarrier sends each message of a batch to the http Endpoint of its Session in a POST of its own. */
export class PortableCarrier implements Carrier {
  private readonly context: Context
  private readonly incoming: Incoming
  private readonly held: HeldSession
  private readonly postings = new Map<Reply, HttpPosting | undefined>()
  private readonly limits = new Map<Reply, Timed | undefined>()

  constructor(context: Context, incoming: Incoming, held: HeldSession) {
    this.context = context
    this.incoming = incoming
    this.held = held
  }

  ask(message: Message, reply: Reply): void {
    this.postings.set(reply, undefined)
    const limit = limitPortable(this.context, this.held, message, reply, (error) => {
      this.end(reply, error)
      reply.fail(error)
    })
    this.limits.set(reply, limit)
    this.heard(message, reply).then(
      (response) => {
        if (this.settle(reply) && response) reply.answer(response)
      },
      (error: unknown) => {
        if (this.settle(reply)) reply.fail(failureOf(this.held.record.backend, error))
      },
    )
  }

  async tell(message: Message): Promise<void> {
    const { backend } = this.held.record
    await this.inSession(async (sent) => {
      const own =
        message.kind === 'response' ? await ownAnswer(this.context, this.held, message) : message
      // Whoever asked that is gone.
      if (!own) return
      const answer = await this.post(own, 'notice').answer
      await this.requireSession(sent, doubtIn(answer))
      if (answer.status < 400) return
      if (answer.status !== 400) throw refusalOf(backend, answer)
      const reason = `server "${backend}" refused a message of the batch`
      throw new RouterError('INVALID_REQUEST', { reason })
    })
  }

  release(reply: Reply): void {
    this.end(reply, new Error('the client left'))
  }

  private end(reply: Reply, reason: Error): void {
    const posting = this.postings.get(reply)
    this.settle(reply)
    posting?.abort(reason)
  }

  /** settle is for each once; false: nobody waits for it any more. */
  private settle(reply: Reply): boolean {
    const limit = this.limits.get(reply)
    if (limit) this.context.deadlines.remove(limit)
    this.limits.delete(reply)
    return this.postings.delete(reply)
  }

  /** heard answers; its server is heard meanwhile, also outside of calls. */
  private async heard(message: Message, reply: Reply): Promise<Message | undefined> {
    const { listening } = this.context
    const call: ListeningCall = {
      session: this.held,
      heard: reply,
      sentAt: performance.now(),
      older: undefined,
      newer: undefined,
      takeOutside: (said) => {
        const isTaken =
          this.postings.has(reply) && acceptedOf(this.incoming.req.headers.accept).stream
        if (isTaken) reply.say(said)
        if (isTaken) noteAskedOutside(this.context, this.held.record, said)
        return isTaken
      },
    }
    listening.enter(call)
    try {
      return await this.answer(message, reply, call)
    } finally {
      listening.leave(call)
    }
  }

  /** answer resolves with the response, undefined where nobody waits for it any more. It is sent again where it may run twice. */
  private async answer(
    message: Message,
    reply: Reply,
    call: ListeningCall,
  ): Promise<Message | undefined> {
    const { context, held, incoming } = this
    for (let repeats = 0; ; repeats++) {
      try {
        if (this.isUnheard()) await this.untilHeard(call)
        return await this.inSession(
          (sent, tries) => this.exchange(message, reply, sent, tries),
          () => (this.isUnheard() ? this.untilHeard(call) : undefined),
        )
      } catch (error) {
        if (!this.postings.has(reply)) return undefined
        const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
        if (!backend || !isBroken(error)) throw error
        const { requestId, at } = incoming
        const broken = { backend, message, requestId, at, error, repeats }
        const told = await afterBreak(context, broken)
        if (told) throw told
      }
    }
  }

  private isUnheard(): boolean {
    return this.context.listening.isOn(this.held.record.id)
  }

  private untilHeard(call: ListeningCall): Promise<void> {
    return new Promise((resolve) => this.context.listening.before(call, resolve))
  }

  /** inSession does it, and once more in a new session where the Endpoint has forgotten this one, or is gone. */
  private async inSession<T>(
    send: (sent: Sent, tries: number) => Promise<T>,
    onReopened?: () => Promise<void> | undefined,
  ): Promise<T> {
    const { context, held } = this
    for (let tries = 0; ; tries++) {
      // Nothing is sent to the place of an endpoint that was replaced: the session there is another one.
      if (held.isReplaced) await reopenPortable(context, held, { at: undefined, by: held.record })
      const sent = { at: held.endpoint, by: held.record }
      try {
        const result = await send(sent, tries)
        context.selector.worked(sent.at)
        return result
      } catch (error) {
        const isLost = error instanceof SessionLost
        if (isLost && tries >= maxTries)
          discard(context.sessions.end(held, 'its server forgot it repeatedly'))
        const isAnswer = error instanceof RouterError || error instanceof BadAnswer
        if (!isLost && !isAnswer) context.selector.failed(sent.at)
        if (tries >= maxTries || !(isLost || wasNeverSent(error))) throw error
        await reopenPortable(context, held, { at: isLost ? sent.at : undefined, by: sent.by })
        await onReopened?.()
      }
    }
  }

  private async exchange(
    message: Message,
    reply: Reply,
    sent: Sent,
    tries: number,
  ): Promise<Message> {
    const { backend } = this.held.record
    if (!this.postings.has(reply)) throw new Error('the client left')
    const { response, answer } = await this.responseTo(message, reply)
    if (response) {
      await this.requireSession(sent, tries === 0 ? doubtInResponse(response) : undefined)
      return response
    }
    await this.requireSession(sent, doubtIn(answer))
    if (!isEventStream(answer)) return wholeResponseIn(backend, answer, message.id)
    throw new Error('its stream ended without a response')
  }

  /** responseTo resolves once the response is there, or the whole answer; behind its response a stream may stay open for a moment. */
  private responseTo(
    message: Message,
    reply: Reply,
  ): Promise<{ response?: Message; answer: HttpAnswer }> {
    const { backendSessionId } = this.held.record
    return new Promise((resolve, reject) => {
      // The stream may have ended before what is thrown breaks it off.
      const hear = (data: Buffer): Message | undefined => {
        try {
          return this.hear(data, message, reply, backendSessionId)
        } catch (error) {
          reject(asError(error))
          throw error
        }
      }
      const taker: ChunkTaker = (status, headers) => {
        if (status !== 200 || !isEventStream({ headers })) return undefined
        const decoder = createSseDecoder(({ event, data }) => {
          if (event !== 'message' || data.length === 0) return
          const response = hear(data)
          if (!response) return
          resolve({ response, answer: { status, headers, body: data } })
          const late = setTimeout(
            () => posting.abort(new Error('the response is complete')),
            lingerMs,
          )
          discard(posting.answer.finally(() => clearTimeout(late)))
        }, this.context.deps.client.maxResponseBytes)
        return (chunk) => decoder.push(chunk)
      }
      const posting = this.post(message, taker)
      this.postings.set(reply, posting)
      posting.answer.then((answer) => resolve({ answer }), reject)
    })
  }

  /** hear takes what comes on the stream of a request, and returns the response. */
  private hear(data: Buffer, sent: Message, reply: Reply, session: string): Message | undefined {
    const { backend } = this.held.record
    const said = readEvent(backend, data)
    if (said.kind === 'response') return ownResponse(backend, said, sent.id)
    if (isStrayProgress(said, (token) => token === progressTokenOf(sent))) return undefined
    noteHeard(reply)
    if (isQuestion(said)) noteAsked(reply, this.context.deps.options.inputTtlMs)
    if (this.postings.has(reply)) reply.say(marked(said, session))
    return undefined
  }

  private async requireSession({ at, by }: Sent, doubt: SessionDoubt | undefined): Promise<void> {
    if (!doubt || !by.backendSessionId) return
    if (await isForgotten(this.context, this.held, by, doubt)) throw new SessionLost(at.id)
  }

  private post(message: Message, taker: ChunkTaker | 'notice'): HttpPosting {
    const { held, incoming } = this
    const { url } = httpEndpoint(held)
    const headers = [...held.postHeaders, ...traceOf(incoming.req)]
    const request = { method: 'POST', headers, body: message.bytes } as const
    const reading = taker === 'notice' ? { isNotice: true } : { taker }
    return post(this.context.deps.client, url, { ...request, ...reading })
  }
}
