import type { HttpEndpoint, SseEndpoint } from '@mcp-router/core'
import { eventStreamType, isMediaType, jsonType } from '@mcp-router/protocol'

/** HttpHeaders are those of an answer, names in lower case. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>

/** headerOf reads a header that may stand once; of a repeated one the first counts. */
export const headerOf = ({ headers }: { readonly headers: HttpHeaders }, name: string): string => {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

export const isEventStream = (answer: { readonly headers: HttpHeaders }): boolean =>
  isMediaType(headerOf(answer, 'content-type'), eventStreamType)

export const isJson = (answer: { readonly headers: HttpHeaders }): boolean =>
  isMediaType(headerOf(answer, 'content-type'), jsonType)

/** sessionHeaders starts the flat header list of a request within a session; what is empty is left out. */
export const sessionHeaders = (
  endpoint: HttpEndpoint | SseEndpoint,
  sessionId: string,
  revision: string,
  cookies = '',
): string[] => {
  const headers: string[] = []
  let left = cookies
  for (const name in endpoint.headers) {
    const value = endpoint.headers[name] ?? ''
    // HTTP/1.1 has one Cookie header: the operator's come first in it.
    const isShared = left !== '' && name.toLowerCase() === 'cookie'
    headers.push(name, isShared ? `${value}; ${left}` : value)
    if (isShared) left = ''
  }
  if (left) headers.push('cookie', left)
  if (sessionId) headers.push('mcp-session-id', sessionId)
  if (revision) headers.push('mcp-protocol-version', revision)
  return headers
}
