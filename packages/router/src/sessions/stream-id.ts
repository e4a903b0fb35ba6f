import { createHmac, timingSafeEqual } from 'node:crypto'
import type { SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'

/**
 * Proof is how a client that opens its stream anew was recognised: by the `id` of an event that it had, by its `looks` and the revision that
 * it speaks, or by its looks alone, a `guess`: a client that has just been started may look the same.
 */
export type Proof = 'id' | 'looks' | 'guess'

/** StreamId names the stream of a client of 2024-11-05. It is the id of the stream's first event, and so what its client names as Last-Event-ID. */
export interface StreamId {
  readonly session: SessionId
  readonly looks: string
  readonly proof: Proof
}

/** Bearer is whose stream it is: with another Principal, or at another Backend, the same text means nothing. */
export interface Bearer {
  readonly secret: string
  readonly principal: string
  readonly backend: string
}

/** writeStreamId makes the text, which nobody without the secret can. */
export const writeStreamId = (bearer: Bearer, id: StreamId): string =>
  [id.proof, id.session, id.looks, seal(bearer, id)].join('~')

/** readStreamId reads a Last-Event-ID; undefined: it is none of those, or somebody else's. */
export const readStreamId = (bearer: Bearer, text: unknown): StreamId | undefined => {
  if (typeof text !== 'string') return undefined
  const [proof, name = '', looks = '', sealed = '', ...rest] = text.split('~')
  const session = asSessionId(name)
  if (!isProof(proof) || !session || rest.length > 0) return undefined
  const id = { session, looks, proof }
  const [given, due] = [Buffer.from(sealed), Buffer.from(seal(bearer, id))]
  return given.length === due.length && timingSafeEqual(given, due) ? id : undefined
}

const proofs: ReadonlySet<string | undefined> = new Set<Proof>(['id', 'looks', 'guess'])

const isProof = (text: string | undefined): text is Proof => proofs.has(text)

const seal = (
  { secret, principal, backend }: Bearer,
  { session, looks, proof }: StreamId,
): string => {
  const text = JSON.stringify(['stream of a client', principal, backend, session, looks, proof])
  return createHmac('sha256', secret).update(text).digest('base64url')
}
