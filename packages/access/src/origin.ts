import { isIP } from 'node:net'

/**
 * hostAllowed accepts a Host header that names an allowed host, any port, or an IP address: DNS rebinding needs a name that the attacker
 * controls, an address cannot be rebound.
 */
export const hostAllowed = (host: string, allowed: ReadonlySet<string>): boolean => {
  const name = hostName(host)
  return name !== '' && (allowed.has(name) || isIP(name.replace(/^\[|\]$/g, '')) > 0)
}

/** isOwnOrigin tells that a page comes from where the request goes to. `null` and the like never do. */
export const isOwnOrigin = (origin: string, host: string): boolean => {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  // The scheme of the client's side is not always known; the default port of either may be left out.
  return url.host === host.toLowerCase() || `${url.host}:${portOf(url)}` === host.toLowerCase()
}

const portOf = ({ protocol }: URL): string => (protocol === 'https:' ? '443' : '80')

/** The name in a Host header, lower case, without port; empty where it is malformed. */
const hostName = (host: string): string => {
  const found = /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(?::\d{1,5})?$/i.exec(host)
  return found?.[1]?.toLowerCase() ?? ''
}
