import type { Backend, Endpoint, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { notificationBytes, requestBytes, scanMessage } from '@mcp-router/protocol'
import { headerOf, mayTryElsewhere, post, sessionHeaders } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import { askOpening, readOpening } from '../downstream/opening.js'
import type { HeldSession } from './held.js'

/**
 * reopenPortable opens a new session for a portable Session whose Endpoint has forgotten it (`at` that Endpoint) or is gone (`at`
 * undefined: elsewhere, too), and replays what the client had set. All who need it wait for the same one. It rejects where none could be had.
 */
export const reopenPortable = (
  context: Context,
  held: HeldSession,
  at: Endpoint | undefined,
): Promise<void> => {
  held.reopening ??= reopen(context, held, at).finally(() => {
    held.reopening = undefined
  })
  return held.reopening
}

const reopen = async (
  context: Context,
  held: HeldSession,
  at: Endpoint | undefined,
): Promise<void> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  if (!backend) throw new RouterError('SESSION_NOT_FOUND')
  if (at?.transport === 'http') return openAt(context, held, at)
  const tried = new Set<Endpoint>()
  for (;;) {
    const endpoint = selectHttp(context, backend, tried)
    tried.add(endpoint)
    try {
      await openAt(context, held, endpoint)
      context.selector.worked(endpoint)
      return
    } catch (error) {
      if (!mayTryElsewhere(error)) throw error
      context.selector.failed(endpoint)
    }
  }
}

/** Throws NO_HEALTHY_ENDPOINT when there is none left. */
const selectHttp = (context: Context, backend: Backend, tried: Set<Endpoint>): HttpEndpoint => {
  for (;;) {
    const endpoint = context.selector.select(backend, tried)
    if (endpoint.transport === 'http') return endpoint
    tried.add(endpoint)
  }
}

const openAt = async (
  context: Context,
  held: HeldSession,
  endpoint: HttpEndpoint,
): Promise<void> => {
  const { backend, initialize, loggingLevel, subscriptions } = held.record
  const opener = { backend, whenClosed: () => undefined }
  const params = JSON.parse(initialize || '{}') as object // as it was noted
  const opening = scanMessage(requestBytes('mcp-router-reopen', 'initialize', params))
  const answer = await askOpening(context, opener, endpoint, opening)
  const result = readOpening(backend, answer)
  if (!result) throw new RouterError('SESSION_NOT_FOUND')
  const version = result['protocolVersion']
  const revision = typeof version === 'string' ? version : held.record.revision
  const backendSessionId = headerOf(answer, 'mcp-session-id')
  const tell = async (bytes: Buffer): Promise<void> => {
    const headers = sessionHeaders(endpoint, backendSessionId, revision)
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    const { client } = context.deps
    await post(client, endpoint.url, { method: 'POST', headers, body: bytes }).answer
  }
  await tell(notificationBytes('notifications/initialized'))
  const asks = [
    ...(loggingLevel ? [['logging/setLevel', { level: loggingLevel }] as const] : []),
    ...subscriptions.map((uri) => ['resources/subscribe', { uri }] as const),
  ]
  for (const [method, each] of asks) await tell(requestBytes('mcp-router-replay', method, each))
  await context.sessions.rehome(held, endpoint, { backendSessionId, revision })
}
