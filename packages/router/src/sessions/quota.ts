import type { Backend, Principal, Session, SessionId } from '@mcp-router/core'
import { isPortable, RouterError } from '@mcp-router/core'
import type { SessionStore } from '@mcp-router/store'
import type { RouterOptions } from '../deps.js'
import { isInUse } from './entry.js'
import type { SessionEntry } from './entry.js'

export type Limits = Pick<RouterOptions, 'touchMs' | 'maxSessions' | 'maxStdioSessions'>

interface Deps {
  readonly store: Pick<SessionStore, 'find'>
  readonly held: (id: SessionId) => SessionEntry | undefined
  readonly end: (entry: SessionEntry) => void
  /** Ends a session of which this instance holds no more than its record. */
  readonly endRecord: (record: Session) => void
  readonly options: Limits
}

/** So many sessions are checked in search of an idle one; more would make each refusal expensive. */
const maxChecked = 32

interface Group {
  /** When each was last known to be used, ms since the epoch. */
  readonly usedAt: Map<SessionId, number>
  pending: number
}

/** createQuota limits the sessions that one principal has at one backend through this instance. */
export const createQuota = ({ store, held, end, endRecord, options }: Deps) => {
  const groups = new Map<string, Group>()
  const groupOf = new Map<SessionId, string>()

  const groupAt = (key: string): Group => {
    const group = groups.get(key) ?? { usedAt: new Map<SessionId, number>(), pending: 0 }
    groups.set(key, group)
    return group
  }

  const tidy = (key: string, group: Group): void => {
    if (group.usedAt.size + group.pending === 0 && groups.get(key) === group) groups.delete(key)
  }

  const remove = (id: SessionId): void => {
    const key = groupOf.get(id)
    if (key === undefined) return
    groupOf.delete(id)
    const group = groups.get(key)
    group?.usedAt.delete(id)
    if (group) tidy(key, group)
  }

  /** The least recently used first. */
  const candidates = ({ usedAt }: Group): readonly SessionId[] => {
    for (const id of usedAt.keys()) usedAt.set(id, held(id)?.usedAt ?? usedAt.get(id) ?? 0)
    return [...usedAt].sort(([, one], [, other]) => one - other).map(([id]) => id)
  }

  /** True: the session is gone, or ends now. */
  const evict = async (id: SessionId, group: Group): Promise<boolean> => {
    const entry = held(id)
    if (entry && isInUse(entry)) return false
    if (entry && !isPortable(entry.record)) {
      end(entry)
      return true
    }
    // Any instance may have used a portable session since.
    const record = await store.find(id).catch(() => entry?.record)
    if (!record) {
      remove(id)
      return true
    }
    const isStreamed = Date.now() - record.lastActive < 3 * options.touchMs
    if (isStreamed && record.lastActive > (group.usedAt.get(id) ?? 0)) return false
    const now = held(id)
    if (now && isInUse(now)) return false
    if (now) end(now)
    else endRecord(record)
    remove(id)
    return true
  }

  const makeRoom = async (group: Group): Promise<boolean> => {
    for (const id of candidates(group).slice(0, maxChecked))
      if (group.usedAt.has(id) && (await evict(id, group))) return true
    return false
  }

  return {
    /**
     * Makes room for one more session; the returned function must be called once it is open, or failed. At the limit
     * the session that was idle longest ends. Rejects with OVERLOADED where all are in use.
     */
    async reserve(principal: Principal, { name, endpoints }: Backend): Promise<() => void> {
      const isCommand = endpoints.some(({ transport }) => transport === 'stdio')
      const limit = isCommand ? options.maxStdioSessions : options.maxSessions
      const key = keyOf(principal.name, name)
      const group = groupAt(key)
      group.pending++
      const release = (): void => {
        group.pending--
        tidy(key, group)
      }
      const isOver = (): boolean => group.usedAt.size + group.pending > limit
      if (isOver() && !(await makeRoom(group)) && isOver()) {
        release()
        throw new RouterError('OVERLOADED', { what: `sessions at server "${name}"`, limit })
      }
      return release
    },
    /** Counts a session that was opened, or taken over, here. Adding it twice does nothing. */
    add({ id, principal, backend }: Session): void {
      const key = keyOf(principal, backend)
      groupAt(key).usedAt.set(id, Date.now())
      groupOf.set(id, key)
    },
    remove,
  }
}

const keyOf = (principal: string, backend: string): string => JSON.stringify([principal, backend])
