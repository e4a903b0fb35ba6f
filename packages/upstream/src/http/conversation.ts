import type { HttpEndpoint } from '@mcp-router/core'
import { sessionHeaders } from './headers.js'

/** HttpConversation is the state of one session with an http Endpoint: what every request of it must carry. */
export class HttpConversation {
  sessionId = ''
  revision = ''
  private readonly endpoint: HttpEndpoint
  private headers: string[] | undefined

  constructor(endpoint: HttpEndpoint) {
    this.endpoint = endpoint
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

  /** Flat headers of a POST, made once per state. */
  postHeaders(): string[] {
    this.headers ??= [
      ...sessionHeaders(this.endpoint, this.sessionId, this.revision),
      'content-type',
      'application/json',
      'accept',
      'application/json, text/event-stream',
    ]
    return this.headers
  }
}
