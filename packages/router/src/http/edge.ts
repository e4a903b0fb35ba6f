import type { IncomingHttpHeaders } from 'node:http'

/**
 * EdgeRequest is what the data plane sees of one HTTP request; an IncomingMessage of node:http is one. `complete` with `read()` gives a body
 * that came whole; of another one the events `data`, `end` and `error` tell.
 */
export interface EdgeRequest {
  readonly method?: string | undefined
  /** Path and query. */
  url?: string | undefined
  readonly headers: IncomingHttpHeaders
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly remoteAddress?: string | undefined; destroy(): unknown }
  readonly complete: boolean
  readonly readableLength: number
  read(): unknown
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** EdgeResponse is its response; a ServerResponse of node:http is one. Heads are flat lists: name, value, name, value. */
export interface EdgeResponse {
  readonly headersSent: boolean
  /** Its connection is gone. */
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** All of it was handed to the system. */
  readonly writableFinished: boolean
  readonly writableNeedDrain: boolean
  /** Bytes that wait for the client. */
  readonly writableLength: number
  setHeader(name: string, value: string): unknown
  writeHead(status: number, head: string[]): EdgeResponse
  flushHeaders(): void
  write(chunk: Buffer | string): boolean
  end(chunk?: Buffer | string): EdgeResponse
  end(chunk: string, encoding: 'latin1'): EdgeResponse
  destroy(): unknown
  on(event: 'close', listener: () => void): unknown
  once(event: 'drain', listener: () => void): unknown
}
