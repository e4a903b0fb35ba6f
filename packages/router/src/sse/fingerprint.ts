import { createHmac } from 'node:crypto'
import type { Incoming } from '../http/incoming.js'

/**
 * Fingerprint is what a client of 2024-11-05 can be recognised by when it shows no proof of its Session: its client id where it gives one,
 * else its address and User-Agent, always together with its Principal and Backend. Two clients may have the same one, so it entitles to
 * nothing but the handshake that all of them made. Nobody without the cluster secret can compute it or read anything from it.
 */
export type Fingerprint = string & { readonly __brand: 'Fingerprint' }

/** fingerprintOf computes it from the request that opens the Stream; of one that another Instance passed on it cannot be computed. */
export const fingerprintOf = (
  secret: string,
  { req, principal }: Incoming,
  backend: string,
  clientId: string,
): Fingerprint => {
  // The whole chain: what a client made up itself stands before what Nginx saw.
  const address = req.headers['x-forwarded-for'] ?? req.socket.remoteAddress ?? ''
  const agent = req.headers['user-agent'] ?? ''
  const what = clientId ? ['id', clientId] : ['address', address, agent]
  const text = JSON.stringify(['fingerprint of a client', principal.name, backend, ...what])
  return createHmac('sha256', secret).update(text).digest('base64url') as Fingerprint
}
