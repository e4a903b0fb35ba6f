import type { HttpEndpoint } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard, endSession, sessionHeaders } from '@mcp-router/upstream'
import type { HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { Relay } from '../relay.js'
import type { RelayHooks } from '../relay.js'
import { traceOf } from '../trace.js'
import type { HeldSession } from './held.js'

/** passPortable sends a message of a portable Session to its Endpoint, and the answer back, byte by byte. */
export const passPortable = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message,
): void => {
  const endpoint = httpEndpoint(held)
  const trace = traceOf(incoming.req)
  const headers = held.postHeaders
  const request: HttpRequest = {
    method: 'POST',
    headers,
    lasting: true,
    more: trace,
    body: message.bytes,
  }
  context.deps.client.dispatch(endpoint.url, request, relayFor(context, incoming, held))
}

/** followPortable opens the Endpoint's own GET stream for the client: its events and ids are the Endpoint's. */
export const followPortable = (context: Context, incoming: Incoming, held: HeldSession): void => {
  const endpoint = httpEndpoint(held)
  const { backendSessionId, revision, id, backend } = held.record
  const headers = sessionHeaders(endpoint, backendSessionId, revision)
  headers.push('accept', 'text/event-stream')
  const lastEventId = incoming.req.headers['last-event-id']
  if (typeof lastEventId === 'string') headers.push('last-event-id', lastEventId)
  held.streams++
  const { events } = context.deps
  events.emit({ kind: 'stream', action: 'opened', session: id, backend })
  incoming.whenClosed(() => {
    held.streams--
    held.used = true
    held.usedAt = Date.now()
    events.emit({ kind: 'stream', action: 'closed', session: id, backend })
  })
  const relay = relayFor(context, incoming, held)
  context.deps.client.dispatch(endpoint.url, { method: 'GET', headers }, relay)
}

/** endPortable ends the Session here and at its Endpoint. */
export const endPortable = async (context: Context, held: HeldSession): Promise<void> => {
  const { backendSessionId, revision } = held.record
  await context.sessions.end(held)
  if (!backendSessionId) return
  await endSession(context.deps.client, httpEndpoint(held), backendSessionId, revision)
}

const relayFor = (context: Context, incoming: Incoming, held: HeldSession): Relay => {
  held.hooks ??= hooksFor(context, held)
  return new Relay(incoming, context.keep, held.hooks)
}

const hooksFor = (context: Context, held: HeldSession): RelayHooks => {
  const { selector, sessions } = context
  return {
    onFailed() {
      selector.failed(held.endpoint)
      return false
    },
    onStatus(status) {
      selector.worked(held.endpoint)
      // The Endpoint forgot the session: the client hears 404 and starts anew (spec 2025-03-26, session management).
      if (status === 404 && held.record.backendSessionId) discard(sessions.end(held))
    },
  }
}

const httpEndpoint = (held: HeldSession): HttpEndpoint => {
  if (held.endpoint.transport !== 'http') {
    throw new TypeError(`session ${held.record.id} is portable but its endpoint is not http`)
  }
  return held.endpoint
}
