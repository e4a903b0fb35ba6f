import type { SessionStore } from '../session-store.js'
import type { Connection } from './connection.js'
import { anySessionKey, sessionKey } from './keys.js'
import { parsed, readRow, timeText } from './row.js'
import { scanKeys } from './scan.js'
import type { Scripts } from './scripts.js'
import { changeRow, readSession, sessionRow } from './session-row.js'

export const redisSessions = (
  connection: Connection,
  scripts: Scripts,
  ttlMs: number,
): SessionStore => {
  const { client, attempt } = connection
  return {
    create: (session) =>
      attempt(() => scripts.createSession(sessionKey(session.id), sessionRow(session), ttlMs)),

    async find(id) {
      return parsed(await attempt(() => readRow(client, sessionKey(id))), readSession)
    },

    update: (id, epoch, change) =>
      attempt(() => scripts.updateSession(sessionKey(id), epoch, changeRow(change))),

    touch(touches, now) {
      const lastActive = timeText(now)
      // One round trip: the client writes what is asked for in one tick together.
      return attempt(() =>
        Promise.all(
          touches.map(({ id, epoch }) =>
            scripts.touchSession(sessionKey(id), epoch, lastActive, ttlMs),
          ),
        ),
      )
    },

    async claim(id, epoch, instance) {
      const row = await attempt(() => scripts.claimSession(sessionKey(id), epoch, instance))
      return parsed(row, readSession)
    },

    delete: async (id) => (await attempt(() => client.del(sessionKey(id)))) === 1,

    async *list() {
      for await (const keys of scanKeys(connection, anySessionKey)) {
        const rows = await attempt(() => Promise.all(keys.map((key) => readRow(client, key))))
        for (const row of rows) {
          const session = parsed(row, readSession)
          if (session) yield session
        }
      }
    },
  }
}
