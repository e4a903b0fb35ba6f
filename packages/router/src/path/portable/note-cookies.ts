import { discard, namesOfCookies, withCookies } from '@mcp-router/upstream'
import type { HttpHeaders } from '@mcp-router/upstream'
import type { Session } from '@mcp-router/core'
import type { Context } from '../../context.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { postHeadersOf } from './post-headers.js'
import { hasMoved } from './has-moved.js'

/** Some load balancers renew their cookie with every answer: an old one leads to the same place for a while, ms. */
const writeMs = 5_000

/**
 * noteCookies keeps what an answer of a portable Session sets: the Endpoint, or what stands before it,
 * may know the session by that. It is in the record, so that every Instance sends it. `by` is the
 * record as the message was sent: what an answer that comes late sets is for no other server.
 */
export const noteCookies = (
  context: Context,
  held: SessionEntry,
  by: Session,
  headers: HttpHeaders,
): void => {
  if (headers['set-cookie'] === undefined || hasMoved(held.record, by)) return
  const before = held.record.cookies ?? ''
  const cookies = withCookies(before, headers)
  if (cookies === before) return
  held.record = { ...held.record, cookies }
  held.postHeaders = postHeadersOf(held.endpoint, held.record)
  const now = Date.now()
  const isNew = namesOfCookies(cookies) !== namesOfCookies(before)
  if (!isNew && now - (held.cookiesAt ?? 0) < writeMs) return
  held.cookiesAt = now
  const writing = context.sessions.change(held, { cookies })
  // The others send what they have read before.
  discard(isNew ? writing.then(() => context.deps.broadcast.sessionMoved(held.record.id)) : writing)
}
