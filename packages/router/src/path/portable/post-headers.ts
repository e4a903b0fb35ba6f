import type { Endpoint, Session } from '@mcp-router/core'
import { sessionHeaders } from '@mcp-router/upstream'

/** postHeadersOf is the flat headers of a POST to the Endpoint of a portable Session. */
export const postHeadersOf = (endpoint: Endpoint, record: Session): string[] => {
  if (endpoint.transport !== 'http') return []
  const { backendSessionId, revision, cookies } = record
  const headers = sessionHeaders(endpoint, backendSessionId, revision, cookies)
  headers.push('content-type', 'application/json')
  headers.push('accept', 'application/json, text/event-stream')
  return headers
}
