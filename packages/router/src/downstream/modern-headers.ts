import type { HttpEndpoint } from '@mcp-router/core'
import { sessionHeaders } from '@mcp-router/upstream'

/** ModernHeaders are the flat headers that every modern request to an Endpoint has, made once for each. */
export class ModernHeaders {
  private readonly made = new WeakMap<HttpEndpoint, string[]>()

  to(endpoint: HttpEndpoint): string[] {
    const known = this.made.get(endpoint)
    if (known) return known
    const headers = sessionHeaders(endpoint, '', '')
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    this.made.set(endpoint, headers)
    return headers
  }
}
