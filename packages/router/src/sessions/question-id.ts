import { createHash } from 'node:crypto'
import {
  cancelledId,
  canonicalId,
  notificationBytes,
  paramsOf,
  scanMessage,
  spliceId,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/**
 * What a server asks its client has an id of the server's own, and most servers count from one in each session. The client's Session outlives those:
 * a late answer to what an earlier session had asked would be taken for the answer to the same id of this one. So the client gets each id with the
 * mark of the session that asks, and an answer goes to that session or to nobody.
 */
const prefix = 'mcp-router-asked'

const markBytes = 6

/** marked is what a session at a server says as its client gets it: what it asks, or takes back, with the mark. `session` names it; empty: nothing does. */
export const marked = (message: Message, session: string): Message => {
  if (session === '') return message
  if (message.kind === 'request')
    return scanMessage(spliceId(message, markedId(message.id, session)).bytes)
  if (message.method !== 'notifications/cancelled') return message
  const id = cancelledId(message)
  if (id === '') return message
  const params = { ...paramsOf(message), requestId: JSON.parse(markedId(id, session)) as string }
  return scanMessage(notificationBytes(message.method, params))
}

/** unmarked is a message of the client as the session with one of these names gets it; undefined: it answers nothing that it has asked. */
export const unmarked = (message: Message, ...sessions: readonly string[]): Message | undefined => {
  if (message.kind !== 'response' || !message.id.startsWith(`"${prefix}~`)) return message
  const [, mark = '', ...id] = (JSON.parse(message.id) as string).split('~')
  if (!sessions.some((session) => session !== '' && markOf(session) === mark)) return undefined
  const own = id.join('~')
  // The client wrote it: what is no id would put members into the message.
  const isId = own !== '' && own !== 'null' && canonicalId(own) === own
  return isId ? scanMessage(spliceId(message, own).bytes) : undefined
}

const markedId = (id: string, session: string): string =>
  JSON.stringify(`${prefix}~${markOf(session)}~${id}`)

/** The same at every Instance, and nothing that its session could be told by. */
const markOf = (session: string): string =>
  createHash('sha256').update(session).digest().subarray(0, markBytes).toString('hex')
