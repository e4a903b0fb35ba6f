import type { Instance, InstanceId } from '@mcp-router/core'
import type { Membership } from '../membership.js'
import type { Connection } from './connection.js'
import { instanceKey, instancesKey } from './keys.js'
import { countAt, parsed, readRow, textAt, timeAt, timeText, type Row } from './row.js'
import type { Scripts } from './scripts.js'

/** leaseRow is all but the address, which the script compares and writes itself. */
const leaseRow = (instance: Instance): Row => ({
  pid: String(instance.pid),
  startedAt: timeText(instance.startedAt),
  sessions: String(instance.sessions),
})

const instanceAt = (id: InstanceId, row: Row | undefined): Instance | undefined =>
  parsed(row, (whole) => ({
    id,
    address: textAt(whole, 'address'),
    pid: countAt(whole, 'pid'),
    startedAt: timeAt(whole, 'startedAt'),
    sessions: countAt(whole, 'sessions'),
  }))

export const redisMembership = (
  { client, attempt }: Connection,
  scripts: Scripts,
  leaseMs: number,
): Membership => {
  const read = async (id: InstanceId) => instanceAt(id, await readRow(client, instanceKey(id)))

  /** take resolves with the holder that was in the way. */
  const take = async (instance: Instance, evict: boolean): Promise<Instance | undefined> => {
    const { id, address } = instance
    const holder = await attempt(() =>
      scripts.joinInstance(instanceKey(id), address, leaseRow(instance), leaseMs, evict),
    )
    // A lease that cannot be read is nobody's.
    if (holder) return instanceAt(id, holder) ?? take(instance, true)
    // Another slot, so not in the script; and after the lease, on which `sweep` relies.
    await attempt(() => client.sadd(instancesKey, id))
    return undefined
  }

  const sweep = async (lapsed: readonly InstanceId[]) => {
    if (lapsed.length === 0) return
    await attempt(() => client.srem(instancesKey, ...lapsed))
    // One that joined between the look at its lease and the removal is put back.
    const counts = await attempt(() =>
      Promise.all(lapsed.map((id) => client.exists(instanceKey(id)))),
    )
    const back = lapsed.filter((_id, at) => counts[at] === 1)
    if (back.length > 0) await attempt(() => client.sadd(instancesKey, ...back))
  }

  return {
    async join(instance, { evict = false } = {}) {
      const by = await take(instance, evict)
      return by ? { kind: 'taken', by } : { kind: 'joined' }
    },

    async renew(instance) {
      await take(instance, false)
    },

    async leave(id) {
      await attempt(() => client.del(instanceKey(id)))
      await attempt(() => client.srem(instancesKey, id))
    },

    async list() {
      // What stands in the SET was written by `take`.
      const ids = (await attempt(() => client.smembers(instancesKey))) as InstanceId[]
      const found = await attempt(() => Promise.all(ids.map(read)))
      await sweep(ids.filter((_id, at) => !found[at]))
      return found
        .filter((instance) => instance !== undefined)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    },

    find: (id) => attempt(() => read(id)),
  }
}
