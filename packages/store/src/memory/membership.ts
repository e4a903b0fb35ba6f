import type { Instance, InstanceId } from '@mcp-router/core'
import type { Membership } from '../membership.js'
import type { Attempt } from './attempt.js'
import type { ExpiringMap } from './expiring-map.js'

export const memoryMembership = (
  leases: ExpiringMap<InstanceId, Instance>,
  attempt: Attempt,
): Membership => {
  const holderElsewhere = ({ id, address }: Instance) => {
    const holder = leases.get(id)
    return holder && holder.address !== address ? holder : undefined
  }
  return {
    join: (instance, { evict = false } = {}) =>
      attempt(() => {
        const by = holderElsewhere(instance)
        if (by && !evict) return { kind: 'taken', by }
        leases.put(instance.id, { ...instance })
        return { kind: 'joined' }
      }),
    renew: (instance) =>
      attempt(() => {
        if (!holderElsewhere(instance)) leases.put(instance.id, { ...instance })
      }),
    leave: (id) =>
      attempt(() => {
        leases.delete(id)
      }),
    list: () => attempt(() => leases.values().toSorted((a, b) => (a.id < b.id ? -1 : 1))),
    find: (id) => attempt(() => leases.get(id)),
  }
}
