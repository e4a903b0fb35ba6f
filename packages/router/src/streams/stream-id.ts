import { createHmac, timingSafeEqual } from 'node:crypto'
import type { SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import type { Fingerprint } from '../sse/fingerprint.js'

/**
 * StreamId names the stream of a client of 2024-11-05. It is the id of the stream's first event, and so what its client sends as
 * Last-Event-ID: proof that it had this Session. Events with responses add which one (CallRef.entry).
 */
export interface StreamId {
  readonly session: SessionId
  readonly fingerprint: Fingerprint
  /** The response that the client received last; nobody else is harmed by a lie. */
  readonly received?: string | undefined
}

/** Bearer is whose stream it is: with another Principal, or at another Backend, the same text means nothing. */
export interface Bearer {
  readonly secret: string
  readonly principal: string
  readonly backend: string
}

/** writeStreamId makes the text, which nobody without the secret can. */
export const writeStreamId = (bearer: Bearer, id: StreamId): string =>
  answerId([id.session, id.fingerprint, seal(bearer, id)].join('~'), id.received)

/** answerId is the id of an event with a response, on the stream with this id. */
export const answerId = (streamId: string, entry: string | undefined): string =>
  entry === undefined ? streamId : `${streamId}~${entry}`

/** readStreamId reads a Last-Event-ID; undefined: it is none of those, or somebody else's. */
export const readStreamId = (bearer: Bearer, text: unknown): StreamId | undefined => {
  if (typeof text !== 'string') return undefined
  const [name = '', fingerprint = '', sealed = '', received, ...rest] = text.split('~')
  const session = asSessionId(name)
  if (!session || rest.length > 0) return undefined
  const id = { session, fingerprint: fingerprint as Fingerprint, received } // sealed with the rest
  const [given, due] = [Buffer.from(sealed), Buffer.from(seal(bearer, id))]
  return given.length === due.length && timingSafeEqual(given, due) ? id : undefined
}

const seal = (
  { secret, principal, backend }: Bearer,
  { session, fingerprint }: StreamId,
): string => {
  const text = JSON.stringify(['stream of a client', principal, backend, session, fingerprint])
  return createHmac('sha256', secret).update(text).digest('base64url')
}
