import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { modernClaim, namesModernEra } from '@mcp-router/protocol'
import { readMessage } from '../body.js'
import type { Incoming } from '../incoming.js'
import { acceptOnce } from '../journal/accept-once.js'
import type { Timed } from '../deadlines.js'
import { respondEmpty, respondError } from '../respond.js'
import { noteBackend, requireBackend } from './context.js'
import type { Context } from './context.js'
import { serveModern } from './modern.js'
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
  const claim = modernClaim(message)
  const header = incoming.req.headers['mcp-protocol-version']
  if (claim || (typeof header === 'string' && namesModernEra(header))) {
    if (deadlineMs !== undefined) limit(context, incoming, backend, deadlineMs)
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
      const accepted = acceptOnce(context, incoming, backend, message)
      if (accepted !== true && !(await accepted)) return
      new RouteCall(context, incoming, backend, message, deadlineMs ?? backend.deadlineMs).start()
    }
  }
}

/** A modern client waits as long as it likes, unless its address says otherwise. */
const limit = (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  deadlineMs: number,
): void => {
  const timed: Timed = {
    dueAt: performance.now() + deadlineMs,
    previous: undefined,
    next: undefined,
    onDue() {
      const seconds = deadlineMs / 1_000
      respondError(incoming, new RouterError('DEADLINE_PASSED', { backend: backend.name, seconds }))
      // Whoever would have answered must not write any more; the Endpoint is told as if the client had left.
      incoming.close()
    },
  }
  context.deadlines.add(timed)
  incoming.whenClosed(() => context.deadlines.remove(timed))
}
