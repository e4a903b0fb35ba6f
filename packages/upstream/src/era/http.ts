import type { Backend, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { createSseDecoder } from '@mcp-router/protocol'
import type { HttpClient } from '../http/client.js'
import { sessionHeaders } from '../http/headers.js'
import { isEventStream, post } from '../http/post.js'
import type { HttpAnswer } from '../http/post.js'
import { probedRevision, questionBytes } from './discover.js'
import { findingFrom, legacy } from './finding.js'
import type { Finding } from './finding.js'

const waitMs = 10_000

/** probeHttp asks by `server/discover`. It rejects with UPSTREAM_FAILED where the answer proves nothing, or as the HttpClient does. */
export const probeHttp = async (
  client: HttpClient,
  backend: Backend,
  endpoint: HttpEndpoint,
): Promise<Finding> => {
  const headers = sessionHeaders(endpoint, '', probedRevision)
  headers.push('content-type', 'application/json')
  headers.push('accept', 'application/json, text/event-stream')
  headers.push('mcp-method', 'server/discover')
  const body = questionBytes['server/discover']
  const posting = post(client, endpoint.url, { method: 'POST', headers, body })
  const reason = 'server/discover was not answered'
  const late = new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason })
  const tooLong = setTimeout(() => posting.abort(late), waitMs)
  const answer = await posting.answer.finally(() => clearTimeout(tooLong))
  const { status } = answer
  if (provesNothing(status)) {
    const data = { backend: backend.name, reason: `server/discover: HTTP ${status}` }
    throw new RouterError('UPSTREAM_FAILED', data)
  }
  const finding = findingFrom(responseIn(answer), 'server/discover')
  return finding ?? legacy(`server/discover was refused: HTTP ${status}`)
}

/** Trouble with access, with too much work or on the server's side says nothing of an Era. */
const provesNothing = (status: number): boolean =>
  status >= 500 || [401, 403, 408, 429].includes(status)

/** responseIn is the body, or of a stream the data of its last event: notifications may come before the response. */
const responseIn = (answer: HttpAnswer): string => {
  if (!isEventStream(answer)) return answer.body.toString('utf8')
  let last = ''
  const decoder = createSseDecoder(({ data }) => {
    if (data.length > 0) last = data.toString('utf8')
  })
  decoder.push(answer.body)
  return last
}
