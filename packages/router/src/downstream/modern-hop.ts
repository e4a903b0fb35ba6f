import type { Endpoint, HttpEndpoint } from '@mcp-router/core'
import { modernRequestHeaders } from '@mcp-router/protocol'
import { BadAnswer, mayTryElsewhere } from '@mcp-router/upstream'
import type { Incoming } from '../http/incoming.js'
import { afterBreak } from '../calls/after-break.js'
import { openWithFailover } from '../calls/failover.js'
import type { Relay, RelayHooks } from '../outlet/relay.js'
import { traceOf } from '../http/trace.js'
import type { Context } from '../context.js'
import type { Modern } from './modern-command.js'
import { ModernRelay } from './modern-relay.js'

/** ModernHop is one modern message on its way to some http Endpoint; it goes on to the next one only when nothing of it was sent. */
export class ModernHop implements RelayHooks {
  private readonly context: Context
  private readonly incoming: Incoming
  private readonly modern: Modern
  private tried: Set<Endpoint> | undefined
  private repeats = 0
  private endpoint: HttpEndpoint | undefined

  constructor(context: Context, incoming: Incoming, modern: Modern) {
    this.context = context
    this.incoming = incoming
    this.modern = modern
  }

  start(endpoint: HttpEndpoint): void {
    this.send(endpoint, new ModernRelay(this.context, this.incoming, this, this.modern))
  }

  onFailed(error: Error, relay: Relay, begun: boolean): boolean {
    const { endpoint, context, incoming } = this
    const { backend, message } = this.modern
    if (!endpoint || error instanceof BadAnswer) return false
    // Who listens must know that something may have been missed.
    if (begun && message.method === 'subscriptions/listen') return false
    context.selector.failed(endpoint)
    if (!mayTryElsewhere(error)) {
      const { repeats } = this
      const { requestId, at } = incoming
      afterBreak(context, { backend, message, requestId, at, error, repeats }).then(
        (told) => (told ? relay.fail(told) : this.repeat(relay, error)),
        () => relay.fail(error),
      )
      return true
    }
    this.tried = (this.tried ?? new Set()).add(endpoint)
    this.goOn(this.tried, relay, error)
    return true
  }

  onStatus(status: number): void {
    if (!this.endpoint) return
    this.context.selector.worked(this.endpoint)
    // What a server that knows only sessions would answer; it may have been replaced by one.
    if (status === 400 || status === 404 || status === 405) {
      this.context.deps.eras.doubt(this.endpoint)
    }
  }

  private repeat(relay: Relay, error: Error): void {
    this.repeats++
    this.tried = new Set(this.endpoint && [this.endpoint])
    this.goOn(this.tried, relay, error)
  }

  private goOn(tried: Set<Endpoint>, relay: Relay, error: Error): void {
    this.pick(tried).then(
      (next) => (!this.incoming.isClosed() ? this.send(next, relay) : relay.fail(error)),
      () => relay.fail(error),
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

  private send(endpoint: HttpEndpoint, relay: Relay): void {
    this.endpoint = endpoint
    this.incoming.endpoint = endpoint.id
    const { req, rawHeaders } = this.incoming
    const { message, claim } = this.modern
    const more = modernRequestHeaders(message, claim, rawHeaders)
    for (const text of traceOf(req)) more.push(text)
    const headers = this.context.modernHeaders.to(endpoint)
    const request = { method: 'POST', headers, lasting: true, more, body: message.bytes } as const
    this.context.deps.client.dispatch(endpoint.url, request, relay)
  }
}
