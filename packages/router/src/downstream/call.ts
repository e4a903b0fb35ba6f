import { RouterError } from '@mcp-router/core'
import { readMessage } from '../body.js'
import type { Incoming } from '../incoming.js'
import { respondEmpty } from '../respond.js'
import { noteBackend, requireBackend } from './context.js'
import type { Context } from './context.js'
import { RouteCall } from './route-call.js'

/** serveCall answers `POST /mcp/router/route/<server>`: one message in, its response out as JSON, no session needed. */
export const serveCall = async (
  context: Context,
  incoming: Incoming,
  name: string,
  deadlineMs: number | undefined,
): Promise<void> => {
  if (incoming.req.method !== 'POST') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  noteBackend(context, incoming, name)
  const message = await readMessage(incoming, context.deps.options.maxBodyBytes)
  const backend = requireBackend(context, name)
  switch (message.kind) {
    case 'notification':
      // It would concern a session, and here there is none.
      respondEmpty(incoming, 202)
      return
    case 'response':
      throw new RouterError('INVALID_REQUEST', {
        reason: 'a response belongs to a session; this address takes requests',
      })
    case 'request':
      new RouteCall(context, incoming, backend, message, deadlineMs ?? backend.deadlineMs).start()
  }
}
