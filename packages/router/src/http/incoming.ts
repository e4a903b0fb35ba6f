import type { CallEvent, EventSink, Principal } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Resumed } from './resumed.js'
import { failureFields } from './failure-fields.js'
import { trustedId, ownId } from './request-id.js'
import type { EdgeRequest, EdgeResponse } from './edge.js'

/** Nginx, or an Instance that passes a request on, says so of one that comes again. */
export const againHeader = 'x-mcp-router-again'

/** Quiet is whoever writes an answer that has not begun. */
export interface Quiet {
  /** Its client was told nothing for long, and takes a stream: what is between them may take the connection for dead. */
  onQuiet(): void
}

/** Accepted is the note of a call that must not run twice, as whoever answers it sees it. */
export interface Accepted {
  /** Tells it from another request that was given the same id. */
  readonly digest: string
  /**
   * The answer is waited for even when the client leaves; `finish` follows then. `moveTo` goes on towards a request that came again; false: that
   * one can only wait for the answer.
   */
  keep(moveTo?: (incoming: Incoming) => boolean): void
  /** Its response: who asked again gets it, and who will, where the first client has left. */
  finish(response: Buffer, hasLeft: boolean): void
  /** Nobody waits for it any more. */
  drop(): void
  /**
   * It was not sent: its Session is at another Instance by now, and so will it be. Resolves once it may come there.
   */
  release(): Promise<void>
}

/** Countdown is the deadline of a server as it is counted at this Instance. */
export interface Countdown {
  pause(): void
  restart(): void
}

/** Incoming is one client request on its way through the data plane, and what will be told of it when it is answered. */
export class Incoming {
  readonly req: EdgeRequest
  readonly res: EdgeResponse
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
  /**
   * It was sent to a server before, as far as anybody knows, and the Instance that did so is gone: it may be sent once more, and no third time, for
   * it may be what ends Instances. Set where it is about to be sent again, too.
   */
  isAgain: boolean
  /** That of its body, as the Instance that passed it on signed it; undefined: it comes from a client. */
  bodyDigest: string | undefined
  /** Set once it was noted as a call that must not run twice. */
  accepted: Accepted | undefined
  /** What it holds, once that was read. */
  message: Message | undefined
  /** Set where this is a GET for the answer to that. */
  resumed: Resumed | undefined
  /** Set by whoever can make the answer a stream. */
  quiet: Quiet | undefined
  /** The requests of a batch, where what is not known of them is told of each. */
  requests: readonly Message[] | undefined
  /** JSON text of the request's id, empty while unknown: errors carry it. */
  id = ''
  method = ''
  /** How long its client asked the server to be given, ms; undefined: it did not say. */
  deadlineMs: number | undefined
  /** When its server was last heard of, as `performance.now()` counts. */
  activeAt = 0
  /** It waits for its server to tell its Era: nothing of it was sent. */
  isUnsent = false
  /** Of its server, where one is counted here that ends with it: not while another Instance answers. */
  countdown: Countdown | undefined
  /** Its response was written; its stream may go on for a moment. */
  isAnswered = false
  /** Its server left it alone for longer than its deadline. */
  isLate = false
  /** Its response has begun as an event stream. */
  streaming = false
  private readonly startedAt = performance.now()
  private readonly events: EventSink
  /** Set by who counts what is under way; a POST may turn out to be a stream without end. */
  onBecomesStream: (() => void) | undefined
  private isReported = false
  private closed = false
  private watcher: (() => void) | undefined
  private second: (() => void) | undefined
  private more: (() => void)[] | undefined

  constructor(
    req: EdgeRequest,
    res: EdgeResponse,
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
    const given = trustedId(req)
    this.mayComeAgain = given !== undefined
    this.isAgain = req.headers[againHeader] === '1'
    this.requestId = given ?? ownId()
    res.on('close', () => this.close())
  }

  /** The headers that mirror a modern body, as they came, among others: a flat list of names and values. */
  get rawHeaders(): readonly string[] {
    return this.resumed?.params ?? this.req.rawHeaders
  }

  /** When it came, ms since the epoch. */
  get at(): number {
    return Date.now() - (performance.now() - this.startedAt)
  }

  /** Another Instance passed it on to this one. */
  get handedOff(): boolean {
    return this.hops > 0
  }

  /** whenClosed calls back once the response is over, sent or not, or soon where it is: one listener on the response serves all. */
  whenClosed(watcher: () => void): void {
    if (this.closed) queueMicrotask(watcher)
    else if (!this.watcher) this.watcher = watcher
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

  /** done emits the call's event, once. `outcome` is `ok` or the code of an error, `error` what it ended in. */
  done(status: number, outcome: string, error?: Error): void {
    if (this.isReported) return
    this.isReported = true
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
      ...(error && failureFields(error)),
      durationMs: performance.now() - this.startedAt,
      at: Date.now(),
    })
  }

  /** passedOn says that another Instance answers this request and tells of it. */
  passedOn(): void {
    this.isReported = true
  }
}
