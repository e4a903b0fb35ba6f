import { setTimeout as wait } from 'node:timers/promises'
import type { Endpoint, HttpEndpoint, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { messageFrame, notificationBytes, requestBytes, scanMessage } from '@mcp-router/protocol'
import {
  discard,
  endSession,
  headerOf,
  isDoubtTrue,
  isSessionKnown,
  mayTryElsewhere,
  post,
  sessionHeaders,
  withCookies,
} from '@mcp-router/upstream'
import type { SessionDoubt } from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import { askOpening, isOfSse, readOpening } from '../../downstream/opening.js'
import { openWithFailover } from '../../calls/failover.js'
import { isBroken } from '../../calls/outcome.js'
import { readRevision } from '../../calls/read-revision.js'
import { hasMoved } from './has-moved.js'
import { doubtOnce, reopenOnce } from '../../sessions/entry.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { reinitialized } from '../../sessions/reinitialized.js'

/** The end of "because …". */
export const replacedCause = 'its endpoint was replaced in the servers file'

/** Refused is where a message of a portable Session was not taken. */
export interface Refused {
  /** The Endpoint that has forgotten the session; undefined: it is gone. */
  readonly at: Endpoint | undefined
  /** Any other one is better, if there is one; so it is where that one is gone. */
  readonly isElsewhereBetter?: boolean
  /** The record as it was when the message was sent. */
  readonly by: Session
}

/**
 * reopenPortable opens a new session for a portable Session whose Endpoint has forgotten it or is gone, and replays what the client had set.
 * All who need it wait for the same one, and whoever hears of it late finds it done. It rejects where none could be had.
 */
export const reopenPortable = (
  context: Context,
  held: SessionEntry,
  refused: Refused,
): Promise<void> => {
  if (hasMoved(held.record, refused.by) && !held.isReplaced) return Promise.resolve()
  return reopenOnce(held, () => reopen(context, held, refused))
}

const pauseMs = 250

/** reopenPatiently tries for so long, ms, while somebody wants it and no Endpoint can be reached. */
export const reopenPatiently = async (
  context: Context,
  held: SessionEntry,
  refused: Refused,
  patienceMs: number,
  isWanted: () => boolean,
): Promise<void> => {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      await reopenPortable(context, held, refused)
      return
    } catch (error) {
      const mayWait = performance.now() < giveUpAt && isWanted()
      if (!mayWait || !mayTryElsewhere(error)) throw error
      await wait(pauseMs, undefined, { ref: false })
    }
  }
}

/**
 * isForgotten tells whether the Endpoint has forgotten the session of a portable Session, where its answer gave rise to doubt. All who doubt
 * at the same time wait for the same ping.
 */
export const isForgotten = async (
  context: Context,
  held: SessionEntry,
  by: Session,
  doubt: SessionDoubt,
): Promise<boolean> => {
  // Somebody else found out already.
  if (held.isReplaced || hasMoved(held.record, by)) return true
  const { endpoint } = held
  if (endpoint.transport !== 'http') return true
  const isKnown = (): Promise<boolean | undefined> =>
    doubtOnce(held, () => isSessionKnown(context.deps.client, endpoint.url, held.postHeaders))
  return (await isDoubtTrue(doubt, isKnown)) || hasMoved(held.record, by)
}

const reopen = async (
  context: Context,
  held: SessionEntry,
  { at, by, isElsewhereBetter = !at }: Refused,
): Promise<void> => {
  // What the client set, it may have set at another Instance; and that one may have been faster.
  await context.sessions.refresh(held)
  if (hasMoved(held.record, by)) return
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  if (!backend) throw new RouterError('SESSION_NOT_FOUND')
  const isLast = isElsewhereBetter && backend.endpoints.length > 1
  await openWithFailover(context.selector, {
    backend,
    ...(isLast
      ? { tried: new Set([held.endpoint]) }
      : { first: at?.transport === 'http' ? at : undefined }),
    async open(endpoint) {
      if (endpoint.transport !== 'http') return undefined
      await openAt(context, held, endpoint, { at, by })
      return endpoint
    },
    mayGoOn: (error) => mayTryElsewhere(error) || isBroken(error),
  })
}

const openAt = async (
  context: Context,
  held: SessionEntry,
  endpoint: HttpEndpoint,
  { at, by }: Refused,
): Promise<void> => {
  const { backend, initialize, loggingLevel, subscriptions } = held.record
  const opener = { backend, whenClosed: () => undefined }
  const params = JSON.parse(initialize || '{}') as object // as it was noted
  const opening = scanMessage(requestBytes('mcp-router-reopen', 'initialize', params))
  const answer = await askOpening(context, opener, endpoint, opening)
  if (answer.status >= 500) {
    const reason = `initialize was answered ${answer.status}`
    throw new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason })
  }
  // Another kind of Session is to be had there.
  if (await isOfSse(context, backend, endpoint, answer)) throw new RouterError('SESSION_NOT_FOUND')
  const { result } = readOpening(backend, answer, opening.id)
  if (!result) throw new RouterError('SESSION_NOT_FOUND')
  const revision = readRevision(backend, result) || held.record.revision
  const backendSessionId = headerOf(answer, 'mcp-session-id')
  const cookies = withCookies('', answer.headers)
  const notify = async (bytes: Buffer): Promise<void> => {
    const headers = sessionHeaders(endpoint, backendSessionId, revision, cookies)
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    const { client } = context.deps
    await post(client, endpoint.url, { method: 'POST', headers, body: bytes }).answer
  }
  await notify(notificationBytes('notifications/initialized'))
  const asks = [
    ...(loggingLevel ? [['logging/setLevel', { level: loggingLevel }] as const] : []),
    ...subscriptions.map((uri) => ['resources/subscribe', { uri }] as const),
  ]
  for (const [method, each] of asks) await notify(requestBytes('mcp-router-replay', method, each))
  // Who opened one at the same time: streams at one session hear nothing of what another is told.
  await context.sessions.refresh(held)
  if (hasMoved(held.record, by)) {
    if (backendSessionId)
      discard(
        endSession(context.deps.client, endpoint, {
          sessionId: backendSessionId,
          revision,
          cookies,
        }),
      )
    return
  }
  const gone = held.isReplaced ? replacedCause : `${by.endpoint} could not be reached`
  const cause = at ? `${at.id} had forgotten it` : gone
  const changes = reinitialized(context, backend, endpoint, result['capabilities'])
  await context.sessions.rehome(held, endpoint, { backendSessionId, revision, cookies }, cause)
  const missed = { frames: changes.map(messageFrame), ids: [] }
  context.listening.keepForClient(held.record.id, missed)
}
