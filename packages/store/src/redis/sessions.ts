import type { SessionId } from '@mcp-router/core'
import type { SessionStore } from '../session-store.js'
import type { Connection } from './connection/connection.js'
import { anySessionKey, endedKey, sessionKey } from './keys.js'
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
  const keysOf = (id: SessionId) => [sessionKey(id), endedKey(id)] as const
  return {
    create: (session) =>
      attempt(() => scripts.createSession(...keysOf(session.id), sessionRow(session), ttlMs)),

    restore: (session) =>
      attempt(() => scripts.restoreSession(...keysOf(session.id), sessionRow(session), ttlMs)),

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

    // Known for as long as somebody may hold it without having looked.
    delete: (id) => attempt(() => scripts.endSession(...keysOf(id), ttlMs)),

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
