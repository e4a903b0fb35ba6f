import type { Endpoint, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { modernRequestHeaders } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { BadAnswer } from '@mcp-router/upstream'
import { openWithFailover } from '../calls/failover.js'
import { isResent, Recovery } from '../calls/recover.js'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { traceOf } from '../http/trace.js'
import { ModernOutlet } from '../outlet/modern-outlet.js'
import { HttpExchange } from '../path/http-exchange.js'
import type { Head } from '../path/http-exchange.js'
import type { Modern } from './modern-command.js'

/** ModernHop is one modern request on its way to some http Endpoint; it goes on to the next one when nothing of it was sent, or it may run twice. */
export class ModernHop extends HttpExchange {
  private readonly context: Context
  private readonly modern: Modern
  private readonly outlet: ModernOutlet
  private recovery: Recovery | undefined
  private tried: Set<Endpoint> | undefined
  private endpoint: HttpEndpoint | undefined

  constructor(context: Context, incoming: Incoming, modern: Modern) {
    super(context, incoming, modern.message)
    this.context = context
    this.modern = modern
    this.outlet = new ModernOutlet(context, incoming, modern)
    this.outlet.source = this
  }

  send(endpoint: HttpEndpoint): void {
    this.endpoint = endpoint
    this.incoming.endpoint = endpoint.id
    const { req, rawHeaders } = this.incoming
    const { message, claim } = this.modern
    const more = modernRequestHeaders(message, claim, rawHeaders)
    for (const text of traceOf(req)) more.push(text)
    const headers = this.context.modernHeaders.to(endpoint)
    const request = { method: 'POST', headers, lasting: true, more, body: message.bytes } as const
    this.context.deps.client.dispatch(endpoint.url, request, this)
  }

  protected onHead(head: Head, isStream: boolean): void {
    const { endpoint } = this
    if (endpoint) {
      this.context.selector.worked(endpoint)
      // What a server that knows only sessions would answer; it may have been replaced by one.
      if (doubtful.has(head.status)) this.context.deps.eras.doubt(endpoint)
    }
    this.outlet.onHead(head, isStream)
  }

  protected onSaid(said: Message, event: SseEvent): void {
    this.outlet.say(said, event)
  }

  protected onEvent(event: SseEvent): void {
    this.outlet.onEvent(event)
  }

  protected onResponse(response: Message, head: Head, event?: SseEvent): void {
    this.outlet.respond(response, head, event)
  }

  protected onEnd(): void {
    this.outlet.onEnd()
  }

  protected onTaken(status: number, refusal: Message | undefined): void {
    this.outlet.acknowledge(status, refusal)
  }

  protected onFailed(error: Error, hasEnded = false): void {
    if (this.over) return
    const isListening = this.message.method === 'subscriptions/listen'
    if (isListening && hasEnded) {
      this.finish()
      this.outlet.onEnd()
      return
    }
    const { endpoint } = this
    const isAnswer = error instanceof RouterError || error instanceof BadAnswer
    if (endpoint && !isAnswer && !hasEnded) this.context.selector.failed(endpoint)
    // Who listens must know that something may have been missed.
    if (isListening && this.outlet.hasBegun()) {
      this.fail(error)
      return
    }
    this.recovery ??= this.recoveryOf()
    this.recovery.after(error, (decision, failure) => {
      if (!isResent(decision) || !endpoint) {
        this.fail(failure)
        return
      }
      if (decision === 'repeat') {
        this.tried = undefined
        this.outlet.forget()
      }
      this.tried = (this.tried ?? new Set()).add(endpoint)
      this.goOn(this.tried, error)
    })
  }

  private recoveryOf(): Recovery {
    const { backend, message } = this.modern
    const { requestId, at } = this.incoming
    return new Recovery(this.context, { backend, message, requestId, at }, Infinity)
  }

  private goOn(tried: Set<Endpoint>, error: Error): void {
    this.pick(tried).then(
      (next) => {
        if (this.over) return
        if (this.incoming.isClosed()) this.fail(error)
        else this.send(next)
      },
      () => this.fail(error),
    )
  }

  /** pick finds another http Endpoint that speaks the modern Era. */
  private pick(tried: Set<Endpoint>): Promise<HttpEndpoint> {
    const { context } = this
    const { backend } = this.modern
    return openWithFailover(context.selector, {
      backend,
      tried,
      isLookup: true,
      async open(endpoint) {
        if (endpoint.transport !== 'http') return undefined
        const era = await context.deps.eras.find(backend, endpoint)
        return era === 'modern' ? endpoint : undefined
      },
      mayGoOn: () => true,
      isWanted: () => !this.incoming.isClosed(),
    })
  }

  private fail(error: Error): void {
    if (this.over) return
    this.finish()
    this.outlet.fail(error)
  }
}

const doubtful: ReadonlySet<number> = new Set([400, 404, 405])
