import type { HttpEndpoint } from '@mcp-router/core'
import { withCookies } from './cookies.js'
import { sessionHeaders } from './headers.js'
import type { HttpHeaders } from './headers.js'

/** HttpConversation is the state of one session with an http Endpoint: what every request of it must carry. */
export class HttpConversation {
  sessionId = ''
  revision = ''
  cookies = ''
  /** The most bytes of one event of a stream. */
  readonly maxEventBytes: number
  private endpoint: HttpEndpoint
  private headers: string[] | undefined

  constructor(endpoint: HttpEndpoint, maxEventBytes: number) {
    this.endpoint = endpoint
    this.maxEventBytes = maxEventBytes
  }

  /** The Endpoint gave a session id with its answer to `initialize`. */
  began(sessionId: string): void {
    this.sessionId = sessionId
    this.headers = undefined
  }

  /** It agreed on a protocol revision. */
  agreed(revision: string): void {
    this.revision = revision
    this.headers = undefined
  }

  /** Its Endpoint has other headers. */
  use(endpoint: HttpEndpoint): void {
    this.endpoint = endpoint
    this.headers = undefined
  }

  /** Every answer may set cookies. */
  took(headers: HttpHeaders): void {
    if (headers['set-cookie'] === undefined) return
    this.cookies = withCookies(this.cookies, headers)
    this.headers = undefined
  }

  /** Flat headers of a POST, made once per state. */
  postHeaders(): string[] {
    this.headers ??= [
      ...sessionHeaders(this.endpoint, this.sessionId, this.revision, this.cookies),
      'content-type',
      'application/json',
      'accept',
      'application/json, text/event-stream',
    ]
    return this.headers
  }
}
