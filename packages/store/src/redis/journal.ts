import { journalMs } from '../journal.js'
import type { AcceptedCall, Journal } from '../journal.js'
import type { Connection } from './connection.js'
import { callKey, callsKey } from './keys.js'

export const redisJournal = ({ client, attempt }: Connection): Journal => ({
  async owe(session, { requestId, body }) {
    const key = callsKey(session)
    // One round trip: both are written in one tick.
    await attempt(() =>
      Promise.all([client.hset(key, requestId, body), client.pexpire(key, journalMs)]),
    )
  },
  async settle(session, requestIds) {
    if (requestIds.length === 0) return
    await attempt(() => client.hdel(callsKey(session), ...requestIds))
  },
  async owed(session) {
    const calls = await attempt(() => client.hgetall(callsKey(session)))
    return Object.entries(calls).map(([requestId, body]) => ({ requestId, body }))
  },
  async accept(requestId, call) {
    const key = callKey(requestId)
    const text = JSON.stringify(call)
    const noted = await attempt(() => client.set(key, text, 'PX', journalMs, 'NX'))
    if (noted) return undefined
    const known = await attempt(() => client.get(key))
    // It was there a moment ago: its client has just been answered.
    return known === null ? call : (JSON.parse(known) as AcceptedCall) // as it was written here
  },
  async finish(requestId, call, keptMs = journalMs) {
    await attempt(() => client.set(callKey(requestId), JSON.stringify(call), 'PX', keptMs))
  },
  async forget(requestId) {
    await attempt(() => client.del(callKey(requestId)))
  },
})
