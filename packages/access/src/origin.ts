import { isIP } from 'node:net'

/**
 * hostAllowed accepts a Host header that names an allowed host, any port, or an IP address: DNS rebinding needs a name that the attacker
 * controls, an address cannot be rebound.
 */
export const hostAllowed = (host: string, allowed: ReadonlySet<string>): boolean => {
  const name = hostName(host)
  return name !== '' && (allowed.has(name) || isIP(name.replace(/^\[|\]$/g, '')) > 0)
}

/** originAllowed accepts the page's own host, an allowed host, or a listed origin. `null` and the like are refused. */
export const originAllowed = (
  origin: string,
  host: string,
  hosts: ReadonlySet<string>,
  origins: ReadonlySet<string>,
): boolean => {
  if (origins.has(origin)) return true
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  return url.host === host.toLowerCase() || hosts.has(url.hostname)
}

/** The name in a Host header, lower case, without port; empty where it is malformed. */
const hostName = (host: string): string => {
  const found = /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(?::\d{1,5})?$/i.exec(host)
  return found?.[1]?.toLowerCase() ?? ''
}
