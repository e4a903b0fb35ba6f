import type { EdgeRequest } from './edge.js'

const prefixShape = /^(\/[\w.~-]+)+$/

/**
 * publicPrefix is the path under which a client reached the router, without a trailing slash: what trusted proxies say in
 * X-Forwarded-Prefix. Addresses that the router hands out begin with it and name no scheme or host: those the client knows better than
 * any number of proxies.
 */
export const publicPrefix = ({ headers }: EdgeRequest): string => {
  const given = headers['x-forwarded-prefix']
  if (given === undefined) return ''
  const first = String(given).split(',')[0] ?? ''
  const prefix = first.trim().replace(/\/+$/, '')
  return prefixShape.test(prefix) ? prefix : ''
}
