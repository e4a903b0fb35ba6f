import type { SessionId } from '@mcp-router/core'
import { callLogMs } from '../call-log.js'
import type { LoggedCall, CallLog, CallEntry } from '../call-log.js'
import type { Connection } from './connection/connection.js'
import { callKey, callsKey, sessionKey } from './keys.js'
import { onOwnKeys } from './connection/own-key.js'
import { readRow } from './row.js'
import type { CallsKeys, Scripts } from './scripts.js'

export const redisCallLog = ({ client, attempt }: Connection, scripts: Scripts): CallLog => ({
  async keep(session, epoch, { entry, callId, isRepeated, body }) {
    const value = `${callId}${isRepeated ? repeated : ''}\n${body}`
    return attempt(() => scripts.keepCall(keysOf(session), epoch, callLogMs, entry, value))
  },
  async drop(session, epoch, entries) {
    if (entries.length === 0) return
    await attempt(() => scripts.dropCalls(keysOf(session), epoch, entries))
  },
  async entries(session) {
    const calls = await attempt(() => readRow(client, callsKey(session)))
    return Object.entries(calls ?? {}).map(([entry, value]) => entryOf(entry, value))
  },
  async accept(requestId, call) {
    const key = callKey(requestId)
    const text = JSON.stringify(call)
    const known = await attempt(() =>
      onOwnKeys(client, 'string', [key], async () => {
        const noted = await client.set(key, text, 'PX', callLogMs, 'NX')
        return noted ? undefined : await client.get(key)
      }),
    )
    if (known === undefined) return undefined
    // It was there a moment ago: its client has just been answered.
    if (known === null) return call
    const accepted = acceptedIn(known)
    if (!accepted) await attempt(() => client.set(key, text, 'PX', callLogMs))
    return accepted
  },
  async find(requestId) {
    const key = callKey(requestId)
    const known = await attempt(() => onOwnKeys(client, 'string', [key], () => client.get(key)))
    return known === null ? undefined : acceptedIn(known)
  },
  async finish(requestId, call, keptMs = callLogMs) {
    await attempt(() => client.set(callKey(requestId), JSON.stringify(call), 'PX', keptMs))
  },
  async release(requestId) {
    await attempt(() => client.del(callKey(requestId)))
  },
})

const keysOf = (session: SessionId): CallsKeys => [sessionKey(session), callsKey(session)]

/** acceptedIn reads a call; what is none of ours counts as absent. */
const acceptedIn = (text: string): LoggedCall | undefined => {
  try {
    const call = JSON.parse(text) as LoggedCall
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

const entryOf = (entry: string, value: string): CallEntry => {
  const split = value.indexOf('\n')
  const head = value.slice(0, split)
  const body = value.slice(split + 1)
  return head.endsWith(repeated)
    ? { entry, callId: head.slice(0, -repeated.length), isRepeated: true, body }
    : { entry, callId: head, body }
}
