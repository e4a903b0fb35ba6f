import type { HttpEndpoint } from '@mcp-router/core'

/** sessionHeaders starts the flat header list of a request within a session; what is empty is left out. */
export const sessionHeaders = (
  endpoint: HttpEndpoint,
  sessionId: string,
  revision: string,
): string[] => {
  const headers: string[] = []
  for (const name in endpoint.headers) headers.push(name, endpoint.headers[name] ?? '')
  if (sessionId) headers.push('mcp-session-id', sessionId)
  if (revision) headers.push('mcp-protocol-version', revision)
  return headers
}
