import type { HttpEndpoint } from '@mcp-router/core'
import { sessionHeaders } from './headers.js'

/** HttpConversation is the state of one session with an http Endpoint: what every request of it must carry. */
export interface HttpConversation {
  readonly endpoint: HttpEndpoint
  sessionId(): string
  revision(): string
  /** The Endpoint gave a session id with its answer to `initialize`. */
  began(sessionId: string): void
  /** It agreed on a protocol revision. */
  agreed(revision: string): void
  /** Flat headers of a POST, made once per state. */
  postHeaders(): string[]
}

export const createConversation = (endpoint: HttpEndpoint): HttpConversation => {
  let sessionId = ''
  let revision = ''
  let headers: string[] | undefined
  return {
    endpoint,
    sessionId: () => sessionId,
    revision: () => revision,
    began(id) {
      sessionId = id
      headers = undefined
    },
    agreed(agreedOn) {
      revision = agreedOn
      headers = undefined
    },
    postHeaders() {
      headers ??= [
        ...sessionHeaders(endpoint, sessionId, revision),
        'content-type',
        'application/json',
        'accept',
        'application/json, text/event-stream',
      ]
      return headers
    },
  }
}
