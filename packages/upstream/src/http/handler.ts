import { asError } from '@mcp-router/core'
import type { Dispatcher } from 'undici'

/** HttpRequest is one request to an Endpoint; `headers` is flat: name, value, name, value. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers: string[]
  /** The same list serves many requests and never changes: its text is kept. */
  readonly lasting?: boolean
  /** Beside those, for this request alone. */
  readonly more?: readonly string[]
  readonly body?: Buffer
}

/** HttpHandler is what hears of the answer, undici's dispatch handler: one object per request, no closures. */
export type HttpHandler = Dispatcher.DispatchHandler
export type HttpController = Dispatcher.DispatchController

/** endHandler ends a request; what its handler throws fails that request and nothing else. */
export const endHandler = (handler: HttpHandler, controller: HttpController): void => {
  try {
    handler.onResponseEnd?.(controller, {})
  } catch (thrown) {
    failHandler(handler, controller, thrown)
  }
}

/** failHandler fails a request. Where even that throws nobody is left to tell, and the process must outlive it. */
export const failHandler = (
  handler: HttpHandler,
  controller: HttpController,
  thrown: unknown,
): void => {
  try {
    const error = asError(thrown)
    handler.onResponseError?.(controller, error)
  } catch {
    // See above.
  }
}

/**
 * refuseHandler fails a request that never had a connection. It begins first, as every request does: its handler tells by the controller which of
 * its requests failed.
 */
export const refuseHandler = (handler: HttpHandler, error: unknown): void => {
  try {
    handler.onRequestStart?.(neverOpened, undefined)
  } catch (thrown) {
    failHandler(handler, neverOpened, thrown)
    return
  }
  failHandler(handler, neverOpened, error)
}

/** The controller of a request that has no connection. */
const neverOpened: HttpController = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}
