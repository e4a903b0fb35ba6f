import type { SessionId } from '@mcp-router/core'
import { maxAlike, openMs, orphanMs } from '../orphan-index.js'
import type { NotedStream, OrphanIndex } from '../orphan-index.js'
import type { Attempt } from './attempt.js'
import { createExpiringMap } from './expiring-map.js'

type Streams = ReadonlyMap<SessionId, NotedStream>

/** From so many looks on, those that are out of date are looked for. */
const manyLooks = 1_000

export const memoryOrphans = (attempt: Attempt): OrphanIndex => {
  const known = createExpiringMap<string, Streams>(openMs)
  const living = (looks: string): Streams => {
    const now = Date.now()
    return new Map([...(known.get(looks) ?? [])].filter(([, each]) => now - each.at < lifeOf(each)))
  }
  return {
    note: (looks, stream) =>
      attempt(() => {
        known.put(looks, new Map([...living(looks), [stream.session, stream]]))
        if (known.size() > manyLooks) known.sweep()
      }),
    forget: (looks, session) =>
      attempt(() => {
        const left = new Map(living(looks))
        left.delete(session)
        if (left.size > 0) known.amend(looks, left)
        else known.delete(looks)
      }),
    find: (looks) =>
      attempt(() => {
        const all = [...living(looks).values()]
        const open = all.filter(({ isOpen }) => isOpen).length
        return Math.max(open, all.length - open) > maxAlike ? undefined : all
      }),
  }
}

const lifeOf = ({ isOpen }: NotedStream): number => (isOpen ? openMs : orphanMs)
