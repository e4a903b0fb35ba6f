import type { Backend, Endpoint, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { checkModernRequest, headerValuesOf, modernRequestHeaders } from '@mcp-router/protocol'
import type { Message, ModernClaim } from '@mcp-router/protocol'
import { mayTryElsewhere, sessionHeaders } from '@mcp-router/upstream'
import { failureOf } from '../failure.js'
import type { Incoming } from '../incoming.js'
import { Relay } from '../relay.js'
import type { RelayHooks } from '../relay.js'
import { respondEmpty, respondRefusal } from '../respond.js'
import { traceOf } from '../trace.js'
import type { Context } from './context.js'

/**
 * serveModern answers a message of revision 2026-07-28: no session, so any Instance and any Endpoint will do. Between two modern sides the
 * body passes as it came, and so does the answer; only the headers are made anew.
 */
export const serveModern = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
  claim: ModernClaim | undefined,
): Promise<void> => {
  const { rawHeaders } = incoming.req
  const refusal = checkModernRequest(message, claim, headerValuesOf(rawHeaders))
  if (refusal) {
    respondRefusal(incoming, refusal)
    return
  }
  if (!claim) {
    // Only a notification gets here: the revision defines none for HTTP, so there is nobody to tell (2026-07-28, Streamable HTTP).
    respondEmpty(incoming, 202)
    return
  }
  const mirrored = modernRequestHeaders(message, claim, rawHeaders)
  await new ModernHop(context, incoming, backend, message, mirrored).start()
}

/** ModernHop is one modern message on its way to some Endpoint; it goes on to the next one only when nothing of it was sent. */
class ModernHop implements RelayHooks {
  private readonly context: Context
  private readonly incoming: Incoming
  private readonly backend: Backend
  private readonly message: Message
  private readonly mirrored: readonly string[]
  private readonly tried: Endpoint[] = []
  private sawSessions = false
  private endpoint: HttpEndpoint | undefined

  constructor(
    context: Context,
    incoming: Incoming,
    backend: Backend,
    message: Message,
    mirrored: readonly string[],
  ) {
    this.context = context
    this.incoming = incoming
    this.backend = backend
    this.message = message
    this.mirrored = mirrored
  }

  start(): Promise<void> | undefined {
    const relay = new Relay(this.incoming, this.context.keep, this)
    const endpoint = this.context.selector.select(this.backend)
    const { eras } = this.context.deps
    // The usual case waits for nothing.
    if (endpoint.transport === 'http' && eras.known(this.backend, endpoint) === 'modern') {
      this.tried.push(endpoint)
      this.send(endpoint, relay)
      return undefined
    }
    return this.pick().then((found) => this.send(found, relay))
  }

  onFailed(error: Error, relay: Relay): boolean {
    const { endpoint, context } = this
    if (!endpoint) return false
    context.selector.failed(endpoint)
    if (!mayTryElsewhere(error) || this.tried.length >= this.backend.endpoints.length) return false
    this.pick().then(
      (next) => this.send(next, relay),
      () => relay.fail(error),
    )
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

  /** pick finds an Endpoint that speaks the modern Era; SESSIONS_ONLY where there are others only. */
  private async pick(): Promise<HttpEndpoint> {
    while (this.tried.length < this.backend.endpoints.length) {
      const endpoint = this.context.selector.select(this.backend, new Set(this.tried))
      this.tried.push(endpoint)
      if (await this.isModern(endpoint)) return endpoint as HttpEndpoint // isModern says so
    }
    const { name } = this.backend
    if (this.sawSessions) throw new RouterError('SESSIONS_ONLY', { backend: name })
    throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: name })
  }

  private async isModern(endpoint: Endpoint): Promise<boolean> {
    if (endpoint.transport !== 'http') {
      this.sawSessions = true
      return false
    }
    const { eras } = this.context.deps
    try {
      const era = eras.known(this.backend, endpoint) ?? (await eras.find(this.backend, endpoint))
      this.sawSessions ||= era === 'legacy'
      return era === 'modern'
    } catch (error) {
      if (!mayTryElsewhere(error)) throw failureOf(this.backend.name, error)
      this.context.selector.failed(endpoint)
      return false
    }
  }

  private send(endpoint: HttpEndpoint, relay: Relay): void {
    this.endpoint = endpoint
    this.incoming.endpoint = endpoint.id
    const headers = sessionHeaders(endpoint, '', '')
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    for (const text of this.mirrored) headers.push(text)
    for (const text of traceOf(this.incoming.req)) headers.push(text)
    const { client } = this.context.deps
    client.dispatch(endpoint.url, { method: 'POST', headers, body: this.message.bytes }, relay)
  }
}
