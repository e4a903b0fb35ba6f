import type { HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { sessionHeaders } from '@mcp-router/upstream'
import type { HttpRequest } from '@mcp-router/upstream'
import type { Incoming } from '../../http/incoming.js'
import { traceOf } from '../../http/trace.js'
import type { SessionEntry } from '../../sessions/entry.js'

/** portablePost is a message of a portable Session as its Endpoint gets it. */
export const portablePost = (
  held: SessionEntry,
  incoming: Incoming,
  message: Message,
): HttpRequest => ({
  method: 'POST',
  headers: held.postHeaders,
  lasting: true,
  more: traceOf(incoming.req),
  body: message.bytes,
})

/** portableGet asks for the Endpoint's own stream, or for the rest of the one that had this event. */
export const portableGet = (held: SessionEntry, lastEventId: string | undefined): HttpRequest => {
  const { backendSessionId, revision, cookies } = held.record
  const headers = sessionHeaders(httpEndpoint(held), backendSessionId, revision, cookies)
  headers.push('accept', 'text/event-stream')
  if (lastEventId !== undefined) headers.push('last-event-id', lastEventId)
  return { method: 'GET', headers }
}

/** httpEndpoint is the Endpoint of a portable Session. It throws NO_HEALTHY_ENDPOINT where a command took its place since the Session was found. */
export const httpEndpoint = ({ record, endpoint }: SessionEntry): HttpEndpoint => {
  if (endpoint.transport === 'http') return endpoint
  const reason = 'its http endpoint was replaced in the servers file'
  throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: record.backend, reason })
}
