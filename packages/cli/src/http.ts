import { reasonOf } from '@mcp-router/core'

/** HttpAnswer is what came back, or why nothing did. */
export type HttpAnswer =
  | { readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly failed: string }

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
}

/** ask sends one request and reads the whole answer. It never rejects. */
export const ask = async (url: string, request: HttpRequest = {}): Promise<HttpAnswer> => {
  const { method = 'GET', headers = {}, body = null, timeoutMs = 2_000 } = request
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' })
    return { status: response.status, headers: response.headers, body: await response.text() }
  } catch (error) {
    return { failed: whyFailed(error) }
  }
}

/** answers tells whether anything at `url` speaks HTTP; an endless body is not read. */
export const answers = async (url: string, timeoutMs = 2_000): Promise<boolean> => {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { signal, redirect: 'manual' })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}

/** isHtml tells a page for browsers, which the router never gives. */
export const isHtml = (body: string): boolean =>
  /^\s*<(!doctype html|html|head|body|p)\b/i.test(body)

/** shownBody is a body as a message shows it: no page of HTML. */
export const shownBody = (body: string): string => (isHtml(body) ? 'a web page' : body)

/** whyFailed is what fetch keeps in the cause of its "fetch failed". */
export const whyFailed = (error: unknown): string => {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'no answer in time'
  return reasonOf(cause)
}

/**
 * authority is `host:port` of an address to dial; a wildcard is dialled as loopback, IPv6 stands in
 * brackets.
 */
export const authority = (host: string, port: number): string => {
  if (host === '0.0.0.0') return `127.0.0.1:${port}`
  if (host === '::') return `[::1]:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** bearer is the header that a token needs. */
export const bearer = (token: string | undefined): Readonly<Record<string, string>> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }
