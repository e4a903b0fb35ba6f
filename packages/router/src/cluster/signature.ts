import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { EdgeRequest } from '../http/edge.js'

const signatureHeader = 'x-mcp-router-signature'
const principalHeader = 'x-mcp-router-principal'
const hopsHeader = 'x-mcp-router-hops'

/** How old a request may be, and how far two clocks may be apart, ms. */
const windowMs = 120_000

/** Signed is what the signature of a request between two Instances is bound to; whoever overhears one cannot make another of it. */
interface Signed {
  readonly method: string
  /** Path and query as they are sent. */
  readonly target: string
  /** On whose behalf. */
  readonly principal: string
  readonly requestId: string
  /** How many Instances passed it on. */
  readonly hops: number
  readonly body: Buffer | undefined
}

/** Sender is what a signed request says of itself. */
export interface Sender {
  readonly principal: string
  readonly hops: number
  /** The digest that its body must have; empty: none was signed. */
  readonly digest: string
}

/** digestOf is how a body is named in a signature. */
export const digestOf = (body: Buffer | undefined): string =>
  body ? createHash('sha256').update(body).digest('base64url') : ''

/** sign makes the headers that one Instance shows another with a request. */
export const sign = (secret: string, signed: Signed, at = Date.now()): string[] => {
  const { method, target, principal, requestId, hops } = signed
  const digest = digestOf(signed.body)
  const mac = macOf(secret, [at, method, asSent(target), principal, requestId, hops, digest])
  return [
    ...[signatureHeader, `${at}.${digest}.${mac.toString('base64url')}`],
    ...[principalHeader, principal],
    ...[hopsHeader, String(hops)],
    ...['x-request-id', requestId],
  ]
}

/** readSigned is who sent a request, where the signature is right and fresh; the body is for the reader of it to compare. */
export const readSigned = (
  secret: string,
  { method = '', url = '', headers }: EdgeRequest,
): Sender | undefined => {
  const given = headers[signatureHeader]
  const principal = headers[principalHeader]
  const requestId = headers['x-request-id']
  const hops = Number(headers[hopsHeader])
  if (typeof given !== 'string' || typeof principal !== 'string') return undefined
  if (typeof requestId !== 'string' || !Number.isSafeInteger(hops)) return undefined
  const [at = '', digest = '', mac = ''] = given.split('.')
  if (!(Math.abs(Date.now() - Number(at)) <= windowMs)) return undefined
  const expected = macOf(secret, [Number(at), method, url, principal, requestId, hops, digest])
  const shown = Buffer.from(mac, 'base64url')
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return undefined
  return { principal, hops, digest }
}

const macOf = (secret: string, signed: readonly (string | number)[]): Buffer =>
  createHmac('sha256', secret)
    .update(JSON.stringify(['between instances', ...signed]))
    .digest()

const plain = /^[\w/?=&%:@!$()*+,;~-]*$/

/** A URL is sent in its normal form. */
const asSent = (target: string): string => {
  if (plain.test(target)) return target
  const { pathname, search } = new URL(target, 'http://instance')
  return pathname + search
}
