import type { Backend, Session, SessionId } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import type { Incoming } from '../incoming.js'
import type { HeldSession } from '../sessions/held.js'
import { looksKey, looksOf, parseLooks } from '../sessions/looks.js'
import type { Looks } from '../sessions/looks.js'
import { namedId } from '../sessions/named.js'
import { orphansOf } from '../sessions/orphans.js'
import { readStreamId, writeStreamId } from '../sessions/stream-id.js'
import type { Bearer, Proof } from '../sessions/stream-id.js'
import type { Context } from './context.js'

/** Caller is who opens a stream, as far as can be known. */
export interface Caller {
  /** Of the Session that it had, or is to have. */
  readonly id: SessionId
  /** The Session that it had. */
  readonly held?: HeldSession
  /** Undefined: it names itself. */
  readonly looks?: Looks
  readonly proof: Proof
  /** Those of which it had one, nobody knows which. */
  readonly orphans: readonly Session[]
}

/**
 * recognise finds the Session of a client of 2024-11-05 that opens its stream anew: by the name that it gives itself, by Last-Event-ID, or as
 * the only orphan of its looks. It never guesses between two, and never finds one of another Principal.
 */
export const recognise = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  name: string,
): Promise<Caller> => {
  if (name) return byName(context, incoming, backend, name)
  const bearer = bearerOf(context, incoming, backend.name)
  const given = readStreamId(bearer, incoming.req.headers['last-event-id'])
  // Another Instance looked already.
  const looks =
    incoming.handedOff && given
      ? parseLooks(given.looks)
      : looksOf(context.deps.clusterSecret, incoming, backend.name)
  const stranger = { id: newSessionId(), looks, proof: 'id', orphans: [] } as const
  if (given) {
    const { session: id, proof } = given
    const held = await findOrNone(context, incoming, backend, id)
    // What was an orphan there may have its client back by now.
    if (held && (proof === 'id' || held.streams === 0))
      return passable(incoming, bearer, { id, held, looks, proof, orphans: [] })
  }
  if (incoming.handedOff) return stranger
  const { principal } = incoming
  const orphans = await orphansOf(context)
    .find(looks, principal.name, backend.name)
    .catch(() => undefined)
  const [only, ...others] = orphans ?? []
  if (!only || others.length > 0) return { ...stranger, orphans: orphans ?? [] }
  const held = await findOrNone(context, incoming, backend, only.id)
  if (!held) return stranger
  const proof = looks.revision ? 'looks' : 'guess'
  return passable(incoming, bearer, { id: only.id, held, looks, proof, orphans: [] })
}

/** bearerOf is whose streams this client may name. */
export const bearerOf = (context: Context, incoming: Incoming, backend: string): Bearer => ({
  secret: context.deps.clusterSecret,
  principal: incoming.principal.name,
  backend,
})

const byName = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  name: string,
): Promise<Caller> => {
  const principal = incoming.principal.name
  const id = namedId(context.deps.clusterSecret, { name, principal, backend: backend.name })
  const held = await findOrNone(context, incoming, backend, id)
  return { id, ...(held && { held }), proof: 'id', orphans: [] }
}

/** An Owner that the request is passed on to reads there whom it is from: address and User-Agent do not go along. */
const passable = <T extends Caller & { readonly looks: Looks }>(
  { req }: Incoming,
  bearer: Bearer,
  caller: T,
): T => {
  const { id: session, proof } = caller
  const looks = looksKey(caller.looks)
  req.headers['last-event-id'] = writeStreamId(bearer, { session, looks, proof })
  return caller
}

const findOrNone = async (
  { sessions }: Context,
  { principal }: Incoming,
  { name }: Backend,
  id: SessionId,
): Promise<HeldSession | undefined> => {
  try {
    const held = await sessions.find(id, principal, name)
    return held.record.downstream === 'sse' ? held : undefined
  } catch (error) {
    if (error instanceof RouterError && error.code === 'SESSION_NOT_FOUND') return undefined
    throw error
  }
}
