import { journalMs } from '../journal.js'
import type { Journal } from '../journal.js'
import type { Connection } from './connection.js'
import { callsKey } from './keys.js'

export const redisJournal = ({ client, attempt }: Connection): Journal => ({
  async owe(session, { requestId, body }) {
    const key = callsKey(session)
    // One round trip: both are written in one tick.
    await attempt(() =>
      Promise.all([client.hset(key, requestId, body), client.pexpire(key, journalMs)]),
    )
  },
  async settle(session, requestId) {
    await attempt(() => client.hdel(callsKey(session), requestId))
  },
  async owed(session) {
    const calls = await attempt(() => client.hgetall(callsKey(session)))
    return Object.entries(calls).map(([requestId, body]) => ({ requestId, body }))
  },
})
