import type { Backend } from '@mcp-router/core'
import { isPortable, RouterError } from '@mcp-router/core'
import { modernClaim, namesModernEra } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { readMessageOrBatch } from '../http/body.js'
import type { Batch } from '../http/body.js'
import type { Incoming } from '../http/incoming.js'
import { gate } from '../calls/gate.js'
import { respondEmpty } from '../http/respond.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import { ownedBy } from '../sessions/entry.js'
import { atOwner, isAbout, isSurelyOwned } from '../sessions/owner.js'
import { changesState, noteRequest } from '../sessions/note.js'
import { endPortable, followPortable, passPortable } from '../path/portable/portable.js'
import type { SessionEntry } from '../sessions/entry.js'
import { atHome } from '../sessions/rebound.js'
import { endOwned, followOwned, passOwned } from '../path/owned/owned.js'
import { answerBatch } from './batch.js'
import { noteBackend, requireBackend } from '../context.js'
import type { Context } from '../context.js'
import { initialize } from './initialize.js'
import { serveModern } from './modern.js'
import { resumedBy, resumeModern } from './modern-resume.js'
import { requireRevision, requireAccept, requireStream } from '../http/requirements.js'

/**
 * serveHttp answers `/mcp/<server>`: Streamable HTTP, with sessions (2025-03-26 … 2025-11-25) or without (2026-07-28); each POST says
 * which.
 */
export const serveHttp = async (
  context: Context,
  incoming: Incoming,
  name: string,
): Promise<void> => {
  noteBackend(context, incoming, name)
  switch (incoming.req.method) {
    case 'POST':
      return post(context, incoming, name)
    case 'GET':
      return get(context, incoming, name)
    case 'DELETE':
      return end(context, incoming, requireHere(context, incoming, name))
    default:
      throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'GET, POST, DELETE' })
  }
}

const get = async (context: Context, incoming: Incoming, name: string): Promise<void> => {
  const resumed = resumedBy(context, incoming)
  if (resumed) return resumeModern(context, incoming, requireBackend(context, name), resumed)
  // The revision has no other stream (2026-07-28, Streamable HTTP).
  if (namesModernEra(incoming.req.headers['mcp-protocol-version']))
    throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  return follow(context, incoming, requireHere(context, incoming, name))
}

const requireHere = (context: Context, incoming: Incoming, name: string): Backend => {
  const backend = requireBackend(context, name)
  requireRevision(incoming)
  return backend
}

const post = async (context: Context, incoming: Incoming, name: string): Promise<void> => {
  const message = await readMessageOrBatch(incoming, context.deps.options.maxBodyBytes)
  if (message.kind === 'batch') return postBatch(context, incoming, name, message)
  // The body decides the Era; a header that names a modern revision is checked against it (2026-07-28, versioning).
  const claim = modernClaim(message)
  const header = incoming.req.headers['mcp-protocol-version']
  if (claim || (typeof header === 'string' && namesModernEra(header))) {
    return serveModern(context, incoming, requireBackend(context, name), message, claim)
  }
  const backend = requireHere(context, incoming, name)
  requireAccept(incoming)
  // Whatever session a client had, this asks for another one.
  if (message.method === 'initialize' && message.kind === 'request')
    return gate(context, incoming, backend, message, () =>
      initialize(context, incoming, backend, message),
    )
  const held = await find(context, incoming, backend, sessionIdOf(incoming))
  const serve = (here: SessionEntry): Promise<void> | void =>
    pass(context, incoming, { backend, held: here, message })
  if (isPortable(held.record) || isOwner(context, held)) return serve(held)
  return atOwner(context, incoming, held, {
    body: message.bytes,
    serve,
    isRetrySafe: () => isRetrySafe(context, backend, message),
    isAbout: isAbout(message),
  })
}

interface Passed {
  readonly backend: Backend
  readonly held: SessionEntry
  readonly message: Message
}

/** pass sends a message to the server of its Session, from here. */
const pass = async (
  context: Context,
  incoming: Incoming,
  { backend, held, message }: Passed,
): Promise<void> => {
  if (changesState(message)) await noteRequest(context.sessions, held, message)
  return gate(context, incoming, backend, message, () =>
    isPortable(held.record)
      ? passPortable(context, incoming, held, message)
      : passOwned(context, incoming, held, message),
  )
}

const postBatch = async (
  context: Context,
  incoming: Incoming,
  name: string,
  batch: Batch,
): Promise<void> => {
  if (namesModernEra(incoming.req.headers['mcp-protocol-version'])) throw batch.refusal
  const backend = requireHere(context, incoming, name)
  requireAccept(incoming)
  const id = sessionIdOf(incoming)
  // Without a session there is no revision that would take it, and none is opened by a batch.
  if (!id) throw batch.refusal
  const held = await find(context, incoming, backend, id)
  if (isPortable(held.record) || isOwner(context, held)) {
    return answerBatch(context, incoming, held, batch)
  }
  return atOwner(context, incoming, held, {
    body: batch.bytes,
    serve: (here) => answerBatch(context, incoming, here, batch),
    isRetrySafe: () => Promise.resolve(false),
  })
}

const follow = async (context: Context, incoming: Incoming, backend: Backend): Promise<void> => {
  incoming.method = 'GET'
  requireStream(incoming)
  const id = sessionIdOf(incoming)
  if (!id) {
    // The status is that of the specification: a client goes on without this stream.
    const hint = 'GET needs Mcp-Session-Id: send initialize first'
    throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST', hint })
  }
  const held = await find(context, incoming, backend, id)
  if (isPortable(held.record)) await followPortable(context, incoming, held)
  else {
    await atOwner(context, incoming, held, {
      body: undefined,
      serve: (here) => followOwned(context, incoming, here),
      isRetrySafe: () => Promise.resolve(true),
    })
  }
}

const end = async (context: Context, incoming: Incoming, backend: Backend): Promise<void> => {
  incoming.method = 'DELETE'
  const held = await lookUp(context, incoming, backend, sessionIdOf(incoming))
  // What it left at the Owner goes with the news that it has ended.
  if (isPortable(held.record)) await endPortable(context, held)
  else await endOwned(context, held)
  respondEmpty(incoming, 200)
}

/** find is for whoever goes on with the Session: it is at an Endpoint that is configured. */
const find = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  id: string,
): Promise<SessionEntry> => {
  const held = await lookUp(context, incoming, backend, id)
  return held.isReplaced ? atHome(context, held) : held
}

const lookUp = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  id: string,
): Promise<SessionEntry> => {
  if (!id) throw new RouterError('SESSION_REQUIRED')
  const { sessions } = context
  incoming.session = id
  const of = [id, incoming.principal, backend.name] as const
  const held = sessions.cached(...of) ?? (await sessions.find(...of))
  if (held.record.downstream !== 'http') throw new RouterError('SESSION_NOT_FOUND')
  // The same text for all its requests: logs look it up, and its hash is known.
  incoming.session = held.record.id
  incoming.endpoint = held.record.endpoint
  return held
}

/** The usual case: this Instance drives it, and may. */
const isOwner = ({ deps }: Context, held: SessionEntry): boolean =>
  ownedBy(held.record, deps.instance) && held.live?.isReady() === true && isSurelyOwned(deps, held)

const sessionIdOf = (incoming: Incoming): string => {
  const value = incoming.req.headers['mcp-session-id']
  return typeof value === 'string' ? value : ''
}
