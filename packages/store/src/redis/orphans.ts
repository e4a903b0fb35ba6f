import type { SessionId } from '@mcp-router/core'
import { maxAlike, openMs, orphanMs } from '../orphan-index.js'
import type { NotedStream, OrphanIndex } from '../orphan-index.js'
import type { Connection } from './connection/connection.js'
import { closedStreamsKey, openStreamsKey } from './keys.js'
import { done, onOwnKeys } from './connection/own-key.js'

const keysOf = (looks: string) => [openStreamsKey(looks), closedStreamsKey(looks)] as const

export const redisOrphans = ({ client, attempt }: Connection): OrphanIndex => {
  const read = async (
    key: string,
    lifeMs: number,
  ): Promise<readonly (readonly [string, number])[]> => {
    const from = Date.now() - lifeMs
    const found = await client.zrangebyscore(
      key,
      from,
      '+inf',
      'WITHSCORES',
      'LIMIT',
      0,
      maxAlike + 1,
    )
    return found.flatMap((text, at) =>
      at % 2 === 0 ? [[text, Number(found[at + 1])] as const] : [],
    )
  }
  return {
    async note(looks, { session, isOpen, at }) {
      const keys = keysOf(looks)
      const [into, outOf] = isOpen ? keys : [keys[1], keys[0]]
      const lifeMs = isOpen ? openMs : orphanMs
      // As one: a session must be in one of them at any moment, and a key that was given no end would stay for ever.
      await attempt(() =>
        onOwnKeys(client, 'zset', keys, () =>
          done(
            client
              .multi()
              .zadd(into, at, session)
              .zrem(outOf, session)
              .zremrangebyscore(into, '-inf', at - lifeMs)
              .pexpire(into, lifeMs),
          ),
        ),
      )
    },
    async forget(looks, session) {
      const keys = keysOf(looks)
      await attempt(() =>
        onOwnKeys(client, 'zset', keys, () =>
          Promise.all(keys.map((key) => client.zrem(key, session))),
        ),
      )
    },
    async find(looks) {
      const keys = keysOf(looks)
      const [open, closed] = await attempt(() =>
        onOwnKeys(client, 'zset', keys, () =>
          Promise.all([read(keys[0], openMs), read(keys[1], orphanMs)]),
        ),
      )
      if (Math.max(open.length, closed.length) > maxAlike) return undefined
      // The two were read one after the other: of a session that changed in between, the later note counts.
      const all = new Map<SessionId, NotedStream>()
      const take = (isOpen: boolean, [text, at]: readonly [string, number]): void => {
        const session = text as SessionId // as it was noted
        if (at >= (all.get(session)?.at ?? 0)) all.set(session, { session, isOpen, at })
      }
      for (const each of open) take(true, each)
      for (const each of closed) take(false, each)
      return [...all.values()]
    },
  }
}
