import type { IncomingMessage } from 'node:http'

const prefixShape = /^(\/[\w.~-]+)+$/

/**
 * publicBase is the address under which the client reached the router, without a trailing slash: what a proxy says in
 * X-Forwarded-Proto, -Host, -Port and -Prefix, else the Host header. Admission has checked the host.
 */
export const publicBase = (req: IncomingMessage): string => {
  const proto = first(req, 'x-forwarded-proto') === 'https' ? 'https' : 'http'
  const host = first(req, 'x-forwarded-host') || (req.headers.host ?? 'localhost')
  const prefix = first(req, 'x-forwarded-prefix').replace(/\/+$/, '')
  return `${proto}://${withPort(req, proto, host)}${prefixShape.test(prefix) ? prefix : ''}`
}

/** A host without a port gets the forwarded one, unless it is the scheme's own. */
const withPort = (req: IncomingMessage, proto: string, host: string): string => {
  if (/:\d+$/.test(host)) return host
  const port = first(req, 'x-forwarded-port')
  const standard = proto === 'https' ? '443' : '80'
  return /^\d{1,5}$/.test(port) && port !== standard ? `${host}:${port}` : host
}

const first = (req: IncomingMessage, name: string): string => {
  const value = req.headers[name]
  const text = Array.isArray(value) ? value[0] : value
  return text?.split(',')[0]?.trim() ?? ''
}
