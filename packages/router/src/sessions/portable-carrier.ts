import { RouterError } from '@mcp-router/core'
import { createSseDecoder, MalformedMessage, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard, isEventStream, post } from '@mcp-router/upstream'
import type { HttpAnswer, HttpPosting } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import { failureOf } from '../failure.js'
import type { Incoming } from '../incoming.js'
import { traceOf } from '../trace.js'
import type { Carrier } from './carrier.js'
import type { HeldSession } from './held.js'
import type { Reply } from './reply.js'

/** How long an Endpoint may keep a stream open behind its response, ms. */
const lingerMs = 250

/** PortableCarrier sends each message of a batch to the http Endpoint of its Session in a POST of its own. */
export class PortableCarrier implements Carrier {
  private readonly context: Context
  private readonly held: HeldSession
  private readonly headers: string[]
  private readonly postings = new Map<Reply, HttpPosting>()

  constructor(context: Context, incoming: Incoming, held: HeldSession) {
    this.context = context
    this.held = held
    this.headers = [...held.postHeaders, ...traceOf(incoming.req)]
  }

  ask(message: Message, reply: Reply): void {
    const taker = (status: number, headers: HttpAnswer['headers']) => {
      if (status !== 200 || !isEventStream({ headers })) return undefined
      const decoder = createSseDecoder(({ event, data }) => {
        if (event !== 'message' || data.length === 0) return
        try {
          this.hear(scanMessage(data), reply)
        } catch (error) {
          // Told at once: what is thrown breaks off the stream, unless it has ended already.
          this.onError(error, reply)
          throw error
        }
      })
      return (chunk: Buffer): void => decoder.push(chunk)
    }
    const posting = this.post(message, taker)
    this.postings.set(reply, posting)
    posting.answer.then(
      (answer) => this.onAnswer(answer, reply),
      (error: unknown) => this.onError(error, reply),
    )
  }

  async tell(message: Message): Promise<void> {
    const { answer } = this.post(message)
    answer.catch(() => this.context.selector.failed(this.held.endpoint))
    const { status } = await answer
    this.onStatus(status)
    if (status >= 400) throw this.refusal(status)
  }

  release(reply: Reply): void {
    const posting = this.postings.get(reply)
    this.postings.delete(reply)
    posting?.abort(new Error('the client left'))
  }

  private post(message: Message, taker?: Parameters<typeof post>[2]['taker']): HttpPosting {
    const { endpoint, record } = this.held
    if (endpoint.transport !== 'http') {
      throw new TypeError(`session ${record.id} is portable but its endpoint is not http`)
    }
    const request = { method: 'POST', headers: this.headers, body: message.bytes } as const
    return post(this.context.deps.client, endpoint.url, taker ? { ...request, taker } : request)
  }

  /** hear takes what comes on the stream of a request; behind its response the stream may stay open for a moment. */
  private hear(said: Message, reply: Reply): void {
    if (said.kind !== 'response') {
      reply.say(said)
      return
    }
    const posting = this.postings.get(reply)
    if (said.id !== reply.id || !posting) return
    this.postings.delete(reply)
    this.onStatus(200)
    const late = setTimeout(() => posting.abort(new Error('the response is complete')), lingerMs)
    discard(posting.answer.finally(() => clearTimeout(late)))
    reply.answer(said)
  }

  private onAnswer(answer: HttpAnswer, reply: Reply): void {
    if (!this.postings.delete(reply)) return
    this.onStatus(answer.status)
    const { backend } = this.held.record
    if (isEventStream(answer)) {
      const reason = 'its stream ended before the response'
      reply.fail(new RouterError('UPSTREAM_FAILED', { backend, reason }))
      return
    }
    const lost = this.isLost(answer.status)
    const response = lost ? undefined : responseIn(answer.body, reply.id)
    if (response) reply.answer(response)
    else reply.fail(this.refusal(answer.status))
  }

  private onError(error: unknown, reply: Reply): void {
    if (!this.postings.delete(reply)) return
    const { backend } = this.held.record
    if (error instanceof MalformedMessage) {
      const reason = error.message
      reply.fail(new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason }, error))
      return
    }
    this.context.selector.failed(this.held.endpoint)
    reply.fail(failureOf(backend, error))
  }

  private onStatus(status: number): void {
    const { context, held } = this
    context.selector.worked(held.endpoint)
    if (this.isLost(status)) discard(context.sessions.end(held))
  }

  /** The Endpoint forgot the session: the client hears 404 and starts anew (spec 2025-03-26, session management). */
  private isLost(status: number): boolean {
    return status === 404 && this.held.record.backendSessionId !== ''
  }

  /** What the Endpoint says by its status alone; 400 is the client's to mend, as it is to a message that comes alone. */
  private refusal(status: number): RouterError {
    if (this.isLost(status)) return new RouterError('SESSION_NOT_FOUND')
    const { backend } = this.held.record
    if (status === 400) {
      const reason = `server "${backend}" refused a message of the batch`
      return new RouterError('INVALID_REQUEST', { reason })
    }
    return new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: `HTTP status ${status}` })
  }
}

/** Servers refuse some messages under the id null: in an array only the id of the request tells whose answer it is. */
const responseIn = (body: Buffer, id: string): Message | undefined => {
  try {
    const message = scanMessage(body)
    if (message.kind !== 'response') return undefined
    return message.id === id ? message : scanMessage(spliceId(message, id).bytes)
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}
