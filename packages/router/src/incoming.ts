import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallEvent, EventSink, Principal } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Accepted } from './journal/calls.js'

/** Incoming is one client request on its way through the data plane, and what will be told of it when it is answered. */
export class Incoming {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly principal: Principal
  readonly downstream: CallEvent['downstream']
  readonly requestId: string
  /** How many Instances passed it on. */
  readonly hops: number
  backend = ''
  endpoint = ''
  session = ''
  /** It has an X-Request-Id of whoever passed it on: it may be sent again under the same one, to another Instance. */
  readonly mayComeAgain: boolean
  /** Set once it was noted as a call that must not run twice. */
  accepted: Accepted | undefined
  /** What it holds, once that was read. */
  message: Message | undefined
  /** JSON text of the request's id, empty while unknown: errors carry it. */
  id = ''
  method = ''
  /** Its response has begun as an event stream. */
  streaming = false
  private readonly startedAt = performance.now()
  private readonly events: EventSink
  /** Set by who counts what is under way; a POST may turn out to be a stream without end. */
  onBecomesStream: (() => void) | undefined
  private told = false
  private closed = false
  private watcher: (() => void) | undefined
  private second: (() => void) | undefined
  private more: (() => void)[] | undefined

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    principal: Principal,
    downstream: CallEvent['downstream'],
    hops: number,
    events: EventSink,
  ) {
    this.req = req
    this.res = res
    this.principal = principal
    this.downstream = downstream
    this.hops = hops
    this.events = events
    const given = givenId(req)
    this.mayComeAgain = given !== undefined
    this.requestId = given ?? `${ownName}-${++counted}`
    res.on('close', () => this.close())
  }

  /** When it came, ms since the epoch. */
  get at(): number {
    return Date.now() - (performance.now() - this.startedAt)
  }

  /** Another Instance passed it on to this one. */
  get handedOff(): boolean {
    return this.hops > 0
  }

  /** whenClosed calls back once the response is over, sent or not: one listener on the response serves all. */
  whenClosed(watcher: () => void): void {
    if (!this.watcher) this.watcher = watcher
    else if (!this.second) this.second = watcher
    else (this.more ??= []).push(watcher)
  }

  /** close says that nobody waits for anything more, whether or not all that was written has left. Idempotent. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.watcher?.()
    this.second?.()
    if (this.more) for (const watcher of this.more) watcher()
  }

  /** isClosed is for those who come too late to hear of it. */
  isClosed(): boolean {
    return this.closed
  }

  /** becomesStream says that this request ends when its client wants it to, so that no drain waits for it. */
  becomesStream(): void {
    this.onBecomesStream?.()
  }

  /** reads tells which message the body held. */
  reads(message: Message): void {
    this.message = message
    this.id = message.id
    this.method = message.method || 'response'
  }

  /** done emits the call's event, once. `outcome` is `ok` or the code of an error. */
  done(status: number, outcome: string): void {
    if (this.told) return
    this.told = true
    this.events.emit({
      kind: 'call',
      downstream: this.downstream,
      requestId: this.requestId,
      principal: this.principal.name,
      backend: this.backend,
      endpoint: this.endpoint,
      session: this.session,
      method: this.method,
      status,
      outcome,
      durationMs: performance.now() - this.startedAt,
      at: Date.now(),
    })
  }

  /** passedOn says that another Instance answers this request and tells of it. */
  passedOn(): void {
    this.told = true
  }
}

// What may stand in a log line and a header as it is.
const requestIdShape = /^[\w.:-]{1,128}$/

const ownName = randomUUID()
let counted = 0

/** Nginx gives one X-Request-Id to all tries of a request; without Nginx, requests are counted under a name of this process. */
const givenId = (req: IncomingMessage): string | undefined => {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && requestIdShape.test(given) ? given : undefined
}
