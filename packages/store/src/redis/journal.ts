import type { SessionId } from '@mcp-router/core'
import { journalMs } from '../journal.js'
import type { AcceptedCall, Journal, Owed } from '../journal.js'
import type { Connection } from './connection/connection.js'
import { callKey, callsKey, sessionKey } from './keys.js'
import { onOwnKeys } from './connection/own-key.js'
import { readRow } from './row.js'
import type { CallsKeys, Scripts } from './scripts.js'

export const redisJournal = ({ client, attempt }: Connection, scripts: Scripts): Journal => ({
  async owe(session, epoch, { entry, callId, isRepeated, body }) {
    const value = `${callId}${isRepeated ? repeated : ''}\n${body}`
    return attempt(() => scripts.oweCall(keysOf(session), epoch, journalMs, entry, value))
  },
  async settle(session, epoch, entries) {
    if (entries.length === 0) return
    await attempt(() => scripts.settleCalls(keysOf(session), epoch, entries))
  },
  async owed(session) {
    const calls = await attempt(() => readRow(client, callsKey(session)))
    return Object.entries(calls ?? {}).map(([entry, value]) => owedOf(entry, value))
  },
  async accept(requestId, call) {
    const key = callKey(requestId)
    const text = JSON.stringify(call)
    const known = await attempt(() =>
      onOwnKeys(client, 'string', [key], async () => {
        const noted = await client.set(key, text, 'PX', journalMs, 'NX')
        return noted ? undefined : await client.get(key)
      }),
    )
    if (known === undefined) return undefined
    // It was there a moment ago: its client has just been answered.
    if (known === null) return call
    const accepted = acceptedIn(known)
    if (!accepted) await attempt(() => client.set(key, text, 'PX', journalMs))
    return accepted
  },
  async accepted(requestId) {
    const key = callKey(requestId)
    const known = await attempt(() => onOwnKeys(client, 'string', [key], () => client.get(key)))
    return known === null ? undefined : acceptedIn(known)
  },
  async finish(requestId, call, keptMs = journalMs) {
    await attempt(() => client.set(callKey(requestId), JSON.stringify(call), 'PX', keptMs))
  },
  async forget(requestId) {
    await attempt(() => client.del(callKey(requestId)))
  },
})

const keysOf = (session: SessionId): CallsKeys => [sessionKey(session), callsKey(session)]

/** acceptedIn reads a call; what is none of ours counts as absent. */
const acceptedIn = (text: string): AcceptedCall | undefined => {
  try {
    const call = JSON.parse(text) as AcceptedCall
    const isOurs =
      typeof call.instance === 'string' &&
      typeof call.at === 'number' &&
      typeof call.digest === 'string'
    return isOurs ? call : undefined
  } catch {
    return undefined
  }
}

/** Behind the X-Request-Id, which has no space. */
const repeated = ' repeated'

const owedOf = (entry: string, value: string): Owed => {
  const split = value.indexOf('\n')
  const head = value.slice(0, split)
  const body = value.slice(split + 1)
  return head.endsWith(repeated)
    ? { entry, callId: head.slice(0, -repeated.length), isRepeated: true, body }
    : { entry, callId: head, body }
}
