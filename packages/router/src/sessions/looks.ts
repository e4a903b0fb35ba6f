import { createHmac } from 'node:crypto'
import { isLegacyRevision } from '@mcp-router/protocol'
import type { Incoming } from '../incoming.js'

/**
 * Looks are what there is to know a client by that names neither itself nor its stream. `revision` is the one that it says it speaks: clients
 * of the official SDK say so from the end of their handshake on, so that one which has just been started does not look like one that comes back.
 */
export interface Looks {
  /** Of Principal, Backend, address and User-Agent; it tells nothing about them. */
  readonly digest: string
  /** Empty before the handshake, and where it does not say. */
  readonly revision: string
}

/** looksOf reads the looks of who sent this request; of one that another Instance passed on they cannot be read. */
export const looksOf = (secret: string, { req, principal }: Incoming, backend: string): Looks => {
  // The whole chain: what a client made up itself stands before what Nginx saw.
  const address = req.headers['x-forwarded-for'] ?? req.socket.remoteAddress ?? ''
  const agent = req.headers['user-agent'] ?? ''
  const text = JSON.stringify(['looks of a client', principal.name, backend, address, agent])
  const digest = createHmac('sha256', secret).update(text).digest('base64url')
  return { digest, revision: revisionOf(req.headers['mcp-protocol-version']) }
}

/** revisionOf reads the header, and minds none that is odd. */
export const revisionOf = (header: unknown): string =>
  typeof header === 'string' && isLegacyRevision(header) ? header : ''

/** looksKey is the text under which Streams of such looks are noted. */
export const looksKey = ({ digest, revision }: Looks): string =>
  revision ? `${digest}.${revision}` : digest

/** parseLooks reads what `looksKey` made. */
export const parseLooks = (key: string): Looks => {
  const [digest = '', revision = ''] = key.split('.')
  return { digest, revision }
}
