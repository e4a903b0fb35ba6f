import type { InstanceId, SessionId } from '@mcp-router/core'
import { lifeEntries } from '../session-lives.js'
import type { LifeEntry, RenewedLives } from '../session-lives.js'
import type { Connection } from './connection/connection.js'
import { anyLifeKey, lifeIdOf, lifeKey } from './keys.js'
import { done, onOwnKeys } from './connection/own-key.js'
import { scanKeys } from './scan.js'

/** A life is renewed once in a period, however often its session is touched. */
const longestPeriodMs = 60_000

export const redisLives = (connection: Connection, ttlMs: number): RenewedLives => {
  const { client, attempt } = connection
  const periodMs = Math.min(longestPeriodMs, ttlMs)
  // Renewed at the begin of a period and last used at its end, it must still outlive its session.
  const lifeMs = ttlMs + periodMs
  const renewed = new Set<SessionId>()
  let periodEnds = 0

  return {
    async note(id, entry) {
      const key = lifeKey(id)
      const text = JSON.stringify(entry)
      // As one: a key that was written but given no end would stay for ever.
      await attempt(() =>
        onOwnKeys(client, 'list', [key], () =>
          done(client.multi().rpush(key, text).ltrim(key, -lifeEntries, -1).pexpire(key, lifeMs)),
        ),
      )
    },
    async read(id) {
      const key = lifeKey(id)
      const texts = await attempt(() =>
        onOwnKeys(client, 'list', [key], () => client.lrange(key, 0, -1)),
      )
      return texts.flatMap(entryIn)
    },
    async *list() {
      for await (const keys of scanKeys(connection, anyLifeKey)) yield* keys.map(lifeIdOf)
    },
    renew(ids) {
      const now = performance.now()
      if (now >= periodEnds) {
        renewed.clear()
        periodEnds = now + periodMs
      }
      const due = ids.filter((id) => !renewed.has(id))
      if (due.length === 0) return
      for (const id of due) renewed.add(id)
      const renewing = attempt(() =>
        Promise.all(due.map((id) => client.pexpire(lifeKey(id), lifeMs))),
      )
      renewing.catch(() => {
        for (const id of due) renewed.delete(id)
      })
    },
  }
}

/** entryIn reads an entry; one that is none of ours counts as absent. */
const entryIn = (text: string): readonly LifeEntry[] => {
  try {
    const { at, kind, instance, ...rest } = JSON.parse(text) as Partial<LifeEntry>
    if (typeof at !== 'number' || typeof kind !== 'string') return []
    return [
      {
        at,
        kind,
        instance: textOf(instance) as InstanceId, // a brand without a shape of its own
        backend: textOf(rest.backend),
        principal: textOf(rest.principal),
        endpoint: textOf(rest.endpoint),
        epoch: typeof rest.epoch === 'number' ? rest.epoch : 0,
        cause: textOf(rest.cause),
      },
    ]
  } catch {
    return []
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
