import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { resultBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { mayTryElsewhere, SessionLost } from '@mcp-router/upstream'
import type { Call, SharedUpstream } from '@mcp-router/upstream'
import { readMessage } from '../body.js'
import type { Incoming } from '../incoming.js'
import { failureOf } from '../failure.js'
import { respondEmpty, respondJson } from '../respond.js'
import { requireBackend } from './context.js'
import type { Context } from './context.js'

/** serveCall answers `POST /mcp/router/route/<server>`: one message in, its response out as JSON, no session needed. */
export const serveCall = async (
  context: Context,
  incoming: Incoming,
  name: string,
  deadlineMs: number | undefined,
): Promise<void> => {
  const { req } = incoming
  if (req.method !== 'POST') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  const backend = requireBackend(context, name)
  incoming.backend = backend.name
  const message = await readMessage(incoming, context.deps.options.maxBodyBytes)
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
      await answer(context, incoming, backend, message, deadlineMs ?? backend.deadlineMs)
  }
}

/** What is under way for one call: the Call, the way to break off an opening, and why it was given up. */
interface Under {
  call?: Call
  reject?: (reason: Error) => void
  over?: Error
}

const answer = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
  deadlineMs: number,
): Promise<void> => {
  const under: Under = {}
  const giveUp = (reason: Error): void => {
    under.over ??= reason
    under.call?.cancel(reason)
    under.reject?.(reason)
  }
  const timer = setTimeout(() => {
    giveUp(
      new RouterError('DEADLINE_PASSED', { backend: backend.name, seconds: deadlineMs / 1_000 }),
    )
  }, deadlineMs)
  const left = (): void => giveUp(clientLeft)
  incoming.res.on('close', left)
  try {
    const attempt = (shared: SharedUpstream): Promise<Buffer> => {
      if (under.over) throw under.over
      if (message.method === 'initialize') {
        return Promise.resolve(resultBytes(message.id, shared.handshake.result))
      }
      under.call = shared.exchange.request(message)
      return under.call.answer
    }
    const body = await onSomeEndpoint(context, incoming, backend, attempt, under)
    incoming.res.off('close', left)
    respondJson(incoming, 200, body)
  } catch (error) {
    if (error !== clientLeft) throw error
    incoming.done(499, 'CLIENT_LEFT')
  } finally {
    clearTimeout(timer)
  }
}

const clientLeft = new Error('the client left')

/** onSomeEndpoint tries Endpoints until one takes the call. What may have been executed is not tried again. */
const onSomeEndpoint = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  attempt: (shared: SharedUpstream) => Promise<Buffer>,
  under: Under,
): Promise<Buffer> => {
  const { deps, selector } = context
  const open = (endpoint: Endpoint): Promise<SharedUpstream> => {
    const givenUp = new Promise<never>((_, reject) => (under.reject = reject))
    return Promise.race([deps.pool.open(backend, endpoint), givenUp])
  }
  let tried: Set<Endpoint> | undefined
  for (;;) {
    const endpoint = selector.select(backend, tried)
    incoming.endpoint = endpoint.id
    try {
      const shared = deps.pool.find(endpoint) ?? (await open(endpoint))
      const body = await attempt(shared).catch((error: unknown) => {
        if (!(error instanceof SessionLost)) throw error
        // It refused the message for want of a session, so it was not executed: once more in a new one.
        deps.pool.drop(endpoint, shared)
        return open(endpoint).then(attempt)
      })
      selector.worked(endpoint)
      return body
    } catch (error) {
      if (!mayTryElsewhere(error)) throw asFailure(backend, error)
      selector.failed(endpoint)
      tried = (tried ?? new Set()).add(endpoint)
      if (tried.size >= backend.endpoints.length) throw asFailure(backend, error)
    }
  }
}

const asFailure = (backend: Backend, error: unknown): unknown => {
  if (error instanceof RouterError || error === clientLeft || !(error instanceof Error))
    return error
  return failureOf(backend.name, error)
}
