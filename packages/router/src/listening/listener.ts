import { asError } from '@mcp-router/core'
import { isEventStream, mayBeBusy } from '@mcp-router/upstream'
import type { HttpClient, HttpController, HttpHandler, HttpHeaders } from '@mcp-router/upstream'
import type { SessionEntry } from '../sessions/entry.js'
import { httpEndpoint, portableGet } from '../path/portable/portable-request.js'

/** ListenOutcome: the stream is open, the Endpoint has one of this session already, or it gives none. */
export type ListenOutcome = 'open' | 'busy' | 'none'

/** busyPauseMs is how long after so many tries an Endpoint is asked again that has one, ms. */
export const busyPauseMs = (tries: number): number => Math.min(2 ** (tries + 1), 50)

interface Hooks {
  readonly onChunk: (chunk: Buffer) => void
  /** It was open, and is no more. */
  onEnded: () => void
}

/** Some servers send the head of a stream with its first event only, ms. */
export const headMs = 500

/** Listener holds the Endpoint's own stream of a portable Session in place of its client. */
export class Listener implements HttpHandler {
  readonly hooks: Hooks
  /** Until the stream has ended: after that it may be the controller of another request on the same connection. */
  controller: HttpController | undefined
  private outcome: ListenOutcome | undefined
  private onOutcome: ((outcome: ListenOutcome) => void) | undefined
  private isClosed = false
  private streams = false

  constructor(hooks: Hooks) {
    this.hooks = hooks
  }

  open(client: HttpClient, held: SessionEntry): Promise<ListenOutcome> {
    return new Promise((resolve) => {
      const late = setTimeout(() => this.settle('open'), headMs)
      this.onOutcome = (outcome) => {
        clearTimeout(late)
        resolve(outcome)
      }
      client.dispatch(httpEndpoint(held).url, portableGet(held, undefined), this)
    })
  }

  isOver(): boolean {
    return this.isClosed
  }

  close(): void {
    this.isClosed = true
    this.settle('none')
    this.controller?.abort(new Error('its client has its own stream again'))
    this.controller = undefined
  }

  onRequestStart(controller: HttpController): void {
    if (this.isClosed) controller.abort(new Error('it is not needed any more'))
    else this.controller = controller
  }

  onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    this.streams = status === 200 && isEventStream({ headers })
    if (this.streams) this.settle('open')
    else this.settle(mayBeBusy(status) ? 'busy' : 'none')
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.isClosed || !this.streams) return
    try {
      this.hooks.onChunk(chunk)
    } catch (error) {
      controller.abort(asError(error))
    }
  }

  onResponseEnd(): void {
    this.end()
  }

  onResponseError(): void {
    this.end()
  }

  private end(): void {
    this.controller = undefined
    this.settle('none')
    if (!this.isClosed && this.outcome === 'open') this.hooks.onEnded()
    this.isClosed = true
  }

  private settle(outcome: ListenOutcome): void {
    this.outcome ??= outcome
    this.onOutcome?.(this.outcome)
    this.onOutcome = undefined
  }
}
