import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, HttpEndpoint } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import { createSseDecoder } from '@mcp-router/protocol'
import { wasNeverSent } from '../http/client.js'
import { withCookies } from '../http/cookies.js'
import type { HttpClient } from '../http/client.js'
import { headerOf, isEventStream, sessionHeaders } from '../http/headers.js'
import { post } from '../http/post.js'
import type { HttpAnswer } from '../http/post.js'
import { endSession } from '../http/upstream.js'
import { isLoop, refusalOf } from '../http/verdict.js'
import { discard } from '../upstream.js'
import { lateOpening } from '../watched.js'
import { patienceOf, probedRevision, questionBytes } from './discover.js'
import type { Question } from './discover.js'
import { findingFrom, legacy } from './finding.js'
import type { Finding } from './finding.js'

/** How long an Endpoint may take at most, ms. */
const longestMs = 10_000
/** One that is silent to `server/discover` for so long at most is asked by `initialize`, too: it may be of the older Era, or slow. ms */
const silentMs = 2_000

interface Place {
  readonly client: HttpClient
  readonly backend: Backend
  readonly endpoint: HttpEndpoint
  readonly limitMs: number
}

/**
 * probeHttp asks by `server/discover`, and by `initialize` where the server is silent or fails at that, and waits `limitMs` for each. It rejects
 * with OPENING_FAILED or UPSTREAM_BUSY where the answers prove nothing, or as the HttpClient does.
 */
export const probeHttp = async (
  client: HttpClient,
  backend: Backend,
  endpoint: HttpEndpoint,
  limitMs = longestMs,
): Promise<Finding> => {
  const place = { client, backend, endpoint, limitMs: Math.min(limitMs, longestMs) }
  const left = new AbortController()
  const asking = ask(place, 'server/discover', left.signal).catch((error: unknown) => {
    if (wasNeverSent(error)) throw error
    return asError(error)
  })
  const soon = await Promise.race([
    asking,
    wait(patienceOf(backend, silentMs), undefined, { ref: false }),
  ])
  const finding = soon ? undefined : await session(place)
  if (finding) {
    left.abort()
    return finding
  }
  const answer = soon ?? (await asking)
  if (answer instanceof Error && !soon) throw answer
  if (answer instanceof Error) return byInitialize(place, answer)
  const { status } = answer
  if (isLoop(status)) throw refusalOf(backend.name, answer)
  if (status >= 500) return byInitialize(place, undecided(place, answer))
  if (provesNothing.has(status)) throw undecided(place, answer)
  const said = findingFrom(answer.body, 'server/discover')
  return said ?? legacy(`server/discover was refused: HTTP ${status}`)
}

const byInitialize = async (place: Place, cause: Error): Promise<Finding> => {
  const finding = await session(place)
  if (!finding) throw cause
  return finding
}

/** session takes one that opens as a sign of the older Era, for as long as the server does not answer better. */
const session = async (place: Place): Promise<Finding | undefined> => {
  const answer = await ask(place, 'initialize').catch(() => undefined)
  const body = answer?.status === 200 ? answer.body : Buffer.alloc(0)
  const finding = findingFrom(body, 'initialize')
  if (!answer || !finding || finding.revisions.length === 0) return undefined
  const sessionId = headerOf(answer, 'mcp-session-id')
  const [revision = ''] = finding.revisions
  const opened = { sessionId, revision, cookies: withCookies('', answer.headers) }
  if (sessionId) discard(endSession(place.client, place.endpoint, opened))
  return { ...finding, isTentative: true }
}

/** ask resolves with the answer; of a stream its body is the response alone, and what comes later is not waited for. */
const ask = (
  { client, backend, endpoint, limitMs }: Place,
  question: Question,
  left?: AbortSignal,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const isModern = question === 'server/discover'
    const headers = sessionHeaders(endpoint, '', isModern ? probedRevision : '')
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    if (isModern) headers.push('mcp-method', question)
    const taker = (status: number, head: HttpAnswer['headers']) => {
      if (status !== 200 || !isEventStream({ headers: head })) return undefined
      const decoder = createSseDecoder(({ data }) => {
        if (!findingFrom(data, question)) return
        resolve({ status, headers: head, body: data })
        posting.abort(new Error('the response is complete'))
      })
      return (chunk: Buffer): void => decoder.push(chunk)
    }
    const body = questionBytes[question]
    const posting = post(client, endpoint.url, { method: 'POST', headers, body, taker })
    const reason = lateOpening(question, limitMs)
    const late = new RouterError('OPENING_FAILED', { backend: backend.name, reason, late: true })
    const tooLong = setTimeout(() => posting.abort(late), limitMs)
    left?.addEventListener('abort', () => posting.abort(late), { once: true })
    posting.answer.then(resolve, reject).finally(() => clearTimeout(tooLong))
  })

/** Trouble with access or with too much work says nothing of an Era. */
const provesNothing: ReadonlySet<number> = new Set([401, 403, 408, 429])

/** undecided is what that means to a call, of which nothing was sent. */
const undecided = ({ backend: { name } }: Place, answer: HttpAnswer): RouterError => {
  const { status } = answer
  if (status === 429 || status === 503) return refusalOf(name, answer)
  return new RouterError('OPENING_FAILED', {
    backend: name,
    reason: `server/discover: HTTP ${status}`,
  })
}
