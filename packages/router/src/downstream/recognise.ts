import type { Backend, Session, SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { isLegacyRevision } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'
import type { SessionEntry } from '../sessions/entry.js'
import { fingerprintOf } from '../sse/fingerprint.js'
import type { Fingerprint } from '../sse/fingerprint.js'
import { readStreamId, writeStreamId } from '../streams/stream-id.js'
import type { Bearer } from '../streams/stream-id.js'
import type { Context } from '../context.js'

/**
 * Caller is who opens a stream: a client that `returned` and proved which Session it had; one that returned and has not proved it (yet); or
 * a `new` one. `alike` are Sessions of the same fingerprint, of which it may adopt the handshake; undefined: too many to tell.
 */
export type Caller = Returned | Stranger

export interface Returned {
  readonly kind: 'returned'
  readonly fingerprint: Fingerprint
  readonly held: SessionEntry
  /** The response that it received last (CallRef.entry), where it says so. */
  readonly received?: string | undefined
}

export interface Stranger {
  readonly kind: 'unproven' | 'new'
  readonly fingerprint: Fingerprint
  readonly alike: readonly Session[] | undefined
}

/**
 * recognise finds the Session of a client of 2024-11-05 that opens its stream: by Last-Event-ID only. A client id, and likewise the same
 * address and User-Agent, proves nothing: a program that was started again, a second window or somebody else may have them, too.
 */
export const recognise = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  clientId: string,
): Promise<Caller> => {
  const bearer = bearerOf(context, incoming, backend.name)
  const { headers } = incoming.req
  const given = readStreamId(bearer, headers['last-event-id'])
  // Another Instance computed it already.
  const fingerprint =
    incoming.handedOff && given
      ? given.fingerprint
      : fingerprintOf(context.deps.clusterSecret, incoming, backend.name, clientId)
  const held = given && (await findOrNone(context, incoming, backend, given.session))
  if (held) return returned(context, incoming, held, { fingerprint, received: given.received })
  const alike = incoming.handedOff ? [] : await findAlike(context, incoming, backend, fingerprint)
  // Official SDK clients name the revision from the end of their handshake on: one that does so had a stream before.
  const isBack =
    revisionOf(headers['mcp-protocol-version']) !== '' &&
    (alike?.length !== 0 || (await context.sessions.hasLost().catch(() => false)))
  return { kind: isBack ? 'unproven' : 'new', fingerprint, alike }
}

/** returned is a client that proved its Session. An Owner that the request is passed on to reads the proof from Last-Event-ID. */
export const returned = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  known: Pick<Returned, 'fingerprint' | 'received'>,
): Returned => {
  const bearer = bearerOf(context, incoming, held.record.backend)
  const id = { session: held.record.id, ...known }
  incoming.req.headers['last-event-id'] = writeStreamId(bearer, id)
  return { kind: 'returned', held, ...known }
}

/** bearerOf is whose streams this client may name. */
export const bearerOf = (context: Context, incoming: Incoming, backend: string): Bearer => ({
  secret: context.deps.clusterSecret,
  principal: incoming.principal.name,
  backend,
})

/** revisionOf reads the header, and ignores an odd one. */
export const revisionOf = (header: unknown): string =>
  typeof header === 'string' && isLegacyRevision(header) ? header : ''

/** findOrNone finds a Session of 2024-11-05 of this client. */
export const findOrNone = async (
  { sessions }: Context,
  { principal }: Incoming,
  { name }: Backend,
  id: SessionId,
): Promise<SessionEntry | undefined> => {
  try {
    const held = await sessions.find(id, principal, name)
    return held.record.downstream === 'sse' ? held : undefined
  } catch (error) {
    if (error instanceof RouterError && error.code === 'SESSION_NOT_FOUND') return undefined
    throw error
  }
}

const findAlike = (
  context: Context,
  { principal }: Incoming,
  { name }: Backend,
  fingerprint: Fingerprint,
): Promise<readonly Session[] | undefined> =>
  context.orphans.find(fingerprint, principal.name, name).catch(() => undefined)
