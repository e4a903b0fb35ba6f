import type { Instance, InstanceId } from '@mcp-router/core'
import type { Membership } from '../membership.js'
import type { Attempt, Connection } from './connection/connection.js'
import { instanceKey, instancesKey } from './keys.js'
import { knownMembers } from './known-members.js'
import { onOwnKeys } from './connection/own-key.js'
import { countAt, parsed, readRow, textAt, timeAt, timeText, type Row } from './row.js'
import type { Scripts } from './scripts.js'
import { isFull } from './connection/unavailable.js'

/** leaseRow is all but the address, which the script compares and writes itself. */
const leaseRow = (instance: Instance): Row => ({
  pid: String(instance.pid),
  startedAt: timeText(instance.startedAt),
  sessions: String(instance.sessions),
  // Written in any case: a predecessor may have left one.
  back: instance.back ?? '',
  secretDigest: instance.secretDigest ?? '',
})

const instanceAt = (id: InstanceId, row: Row | undefined): Instance | undefined =>
  parsed(row, (whole) => ({
    id,
    address: textAt(whole, 'address'),
    pid: countAt(whole, 'pid'),
    startedAt: timeAt(whole, 'startedAt'),
    sessions: countAt(whole, 'sessions'),
    ...(whole['back'] && { back: whole['back'] }),
    ...(whole['secretDigest'] && { secretDigest: whole['secretDigest'] }),
  }))

const byId = (instances: readonly Instance[]): readonly Instance[] =>
  instances.toSorted((a, b) => (a.id < b.id ? -1 : 1))

/** Whoever waits to connect again comes back that much later, and renews then, ms. */
const graceMs = 2_000

export const redisMembership = (
  { client, attempt, noteWritten }: Connection,
  scripts: Scripts,
  leaseMs: number,
): Membership => {
  const known = knownMembers(leaseMs + graceMs)
  /** Who joined from here, and until when (as `performance.now()` counts) its lease must be there. */
  let self: { readonly id: InstanceId; readonly untilAt: number } | undefined

  const trying: Attempt = (work) =>
    attempt(work).catch((thrown: unknown) => {
      // Full, it is not away: its leases are what they are.
      if (!isFull(thrown)) known.doubt()
      throw thrown
    })

  /** onSet runs commands on the SET of ids. */
  const onSet = <T>(work: () => Promise<T>): Promise<T> =>
    onOwnKeys(client, 'set', [instancesKey], work)

  const unlessFull = (thrown: unknown): void => {
    if (!isFull(thrown)) throw thrown
  }

  const read = async (id: InstanceId) => instanceAt(id, await readRow(client, instanceKey(id)))

  /** take resolves with the holder that was in the way. */
  const take = async (instance: Instance, evict: boolean): Promise<Instance | undefined> => {
    const { id, address } = instance
    // Counted from before it was asked for: the clock of Redis started later.
    const untilAt = performance.now() + leaseMs
    const holder = await trying(() =>
      scripts.joinInstance(instanceKey(id), address, leaseRow(instance), leaseMs, evict),
    )
    // A lease that cannot be read is nobody's.
    if (holder) return instanceAt(id, holder) ?? take(instance, true)
    // Another slot, so not in the script; and after the lease, on which `sweep` relies.
    // Where Redis is full it is there already, or will be with a later renewal.
    await trying(() => onSet(() => client.sadd(instancesKey, id))).then(noteWritten, unlessFull)
    self = { id, untilAt }
    return undefined
  }

  const sweep = async (lapsed: readonly InstanceId[]) => {
    if (lapsed.length === 0) return
    await trying(() => onSet(() => client.srem(instancesKey, ...lapsed)))
    // One that joined between the look at its lease and the removal is put back.
    const counts = await trying(() =>
      Promise.all(lapsed.map((id) => client.exists(instanceKey(id)))),
    )
    const back = lapsed.filter((_id, at) => counts[at] === 1)
    if (back.length > 0) await trying(() => onSet(() => client.sadd(instancesKey, ...back)))
  }

  /** look doubts where the lease that was taken from here is gone before its time: those of others may be, too. */
  const look = async (): Promise<void> => {
    if (!self) return
    const { id, untilAt } = self
    const count = await trying(() => client.exists(instanceKey(id)))
    if (count === 0 && performance.now() < untilAt) known.doubt()
  }

  const list = async (): Promise<readonly Instance[]> => {
    // What stands in the SET was written by `take`.
    const ids = (await trying(() => onSet(() => client.smembers(instancesKey)))) as InstanceId[]
    const looked = await trying(() => Promise.all(ids.map(read)))
    const found = looked.filter((instance) => instance !== undefined)
    await look()
    if (known.isInDoubt()) {
      for (const instance of found) known.note(instance)
      return byId(known.all())
    }
    await sweep(ids.filter((_id, at) => !looked[at]))
    known.replace(found)
    return byId(found)
  }

  return {
    async join(instance, { evict = false } = {}) {
      const by = await take(instance, evict)
      if (by) return { kind: 'taken', by }
      known.note(instance)
      return { kind: 'joined' }
    },

    async renew(instance) {
      // Looked at before it is put right again.
      await look()
      await take(instance, false)
      // So that all are known when Redis goes away; the lease is renewed in any case.
      await list().catch(() => undefined)
    },

    async leave(id) {
      if (self?.id === id) self = undefined
      known.forget(id)
      await attempt(() => client.del(instanceKey(id)))
      await attempt(() => onSet(() => client.srem(instancesKey, id)))
    },

    async list() {
      try {
        return await list()
      } catch (thrown) {
        const remembered = known.all()
        if (remembered.length === 0) throw thrown
        return byId(remembered)
      }
    },

    async find(id) {
      try {
        const found = await trying(() => read(id))
        if (found) known.note(found)
        else await look()
        if (found || known.isInDoubt()) return known.find(id)
      } catch (thrown) {
        const remembered = known.find(id)
        if (!remembered) throw thrown
        return remembered
      }
      known.forget(id)
      return undefined
    },
  }
}
