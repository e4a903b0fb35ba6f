import { createHmac } from 'node:crypto'

/**
 * secretDigestOf names a cluster secret without telling it: 16 hex digits of an HMAC. Instances put
 * it into their leases, so that those of another secret are recognised.
 */
export const secretDigestOf = (secret: string): string =>
  createHmac('sha256', secret).update('mcp-router cluster secret').digest('hex').slice(0, 16)
