import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { modernClaim, namesModernEra } from '@mcp-router/protocol'
import { acceptedOf } from '../http/accept.js'
import { readMessage } from '../http/body.js'
import type { Incoming } from '../http/incoming.js'
import { gate } from '../calls/gate.js'
import { limitCall, streamWhenQuiet } from '../calls/call-deadline.js'
import { respondEmpty } from '../http/respond.js'
import { beginStream, openStream } from '../outlet/stream.js'
import { longestSeconds, type AskedDeadline } from '../http/target.js'
import { noteBackend, requireBackend } from '../context.js'
import type { Context } from '../context.js'
import { serveModern } from './modern.js'
import { resumedBy, resumeModern } from './modern-resume.js'
import { RouteCall } from './route-call.js'

/** serveCall answers `POST /mcp/router/route/<server>`: one message in, its response out as JSON, no session needed. */
export const serveCall = async (
  context: Context,
  incoming: Incoming,
  name: string,
  deadlineMs: AskedDeadline,
): Promise<void> => {
  noteBackend(context, incoming, name)
  if (deadlineMs === 'wrong') throw wrongDeadline()
  if (incoming.req.method !== 'POST') {
    const resumed = incoming.req.method === 'GET' ? resumedBy(context, incoming) : undefined
    if (resumed) return resumeModern(context, incoming, requireBackend(context, name), resumed)
    throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  }
  const message = await readMessage(incoming, context.deps.options.maxBodyBytes)
  const backend = requireBackend(context, name)
  const claim = modernClaim(message)
  const header = incoming.req.headers['mcp-protocol-version']
  if (claim || (typeof header === 'string' && namesModernEra(header))) {
    if (deadlineMs !== undefined) limitCall(context.deadlines, incoming, backend, deadlineMs)
    return serveModern(context, incoming, backend, message, claim)
  }
  switch (message.kind) {
    case 'notification':
      // It would concern a session, and here there is none.
      respondEmpty(incoming, 202)
      return
    case 'response':
      throw new RouterError('INVALID_REQUEST', {
        reason: 'a response belongs to a session; this address takes requests',
      })
    case 'request': {
      if (ofSession.has(message.method)) throw needsSession(message.method, backend)
      return gate(context, incoming, backend, message, () => {
        if (!acceptedOf(incoming.req.headers.accept).json) streamLater(context, incoming)
        new RouteCall(context, incoming, backend, message, deadlineMs ?? backend.deadlineMs).start()
      })
    }
  }
}

/** streamLater begins the stream that is all that this client takes before its connection looks dead. */
const streamLater = (context: Context, incoming: Incoming): void =>
  streamWhenQuiet(context, incoming, () => {
    beginStream(incoming)
    openStream(incoming.res, context.keep, () => undefined)
  })

const wrongDeadline = (): RouterError =>
  new RouterError('INVALID_REQUEST', {
    reason: `/timeout/ takes a whole number of seconds from 1 to ${longestSeconds}`,
  })

/** Requests that change the session for good: here it is one that all callers share. */
const ofSession: ReadonlySet<string> = new Set([
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

const needsSession = (method: string, { name }: Backend): RouterError =>
  new RouterError('INVALID_REQUEST', {
    reason: `${method} needs a session of its own; open one with initialize at /mcp/${name}`,
  })
