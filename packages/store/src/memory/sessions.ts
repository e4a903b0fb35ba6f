import type { Session, SessionId } from '@mcp-router/core'
import type { SessionStore, Touch, TouchOutcome } from '../session-store.js'
import type { Attempt } from './attempt.js'
import type { ExpiringMap } from './expiring-map.js'

export const memorySessions = (
  records: ExpiringMap<SessionId, Session>,
  ended: ExpiringMap<SessionId, true>,
  attempt: Attempt,
): SessionStore => {
  const recordAt = (id: SessionId, epoch: number) => {
    const record = records.get(id)
    return record?.epoch === epoch ? record : undefined
  }
  const touchOne = ({ id, epoch }: Touch, now: number): TouchOutcome => {
    const record = records.get(id)
    if (!record) return 'gone'
    if (record.epoch !== epoch) return 'superseded'
    records.put(id, { ...record, lastActive: now })
    return 'kept'
  }
  return {
    create: (session) =>
      attempt(() => {
        ended.delete(session.id)
        records.put(session.id, { ...session })
      }),
    restore: (session) =>
      attempt(() => {
        if (ended.get(session.id)) return 'ended'
        if (records.get(session.id)) return 'there'
        records.put(session.id, { ...session })
        return 'restored'
      }),
    find: (id) => attempt(() => records.get(id)),
    update: (id, epoch, change) =>
      attempt(() => {
        const record = recordAt(id, epoch)
        if (!record) return false
        records.amend(id, { ...record, ...change })
        return true
      }),
    touch: (touches, now) => attempt(() => touches.map((touch) => touchOne(touch, now))),
    claim: (id, epoch, instance) =>
      attempt(() => {
        const record = recordAt(id, epoch)
        if (!record) return undefined
        const claimed = { ...record, instance, epoch: epoch + 1 }
        records.amend(id, claimed)
        return claimed
      }),
    delete: (id) =>
      attempt(() => {
        ended.put(id, true)
        return records.delete(id)
      }),
    async *list() {
      yield* await attempt(() => records.values())
    },
  }
}
