import type { Instance, InstanceId } from '@mcp-router/core'

/**
 * KnownMembers remembers who lived when Redis last told. A lease that is not there proves nothing while nobody could renew it: when Redis was
 * away, or has lost what it held, until everybody had the time to come back. Who is asked for one meanwhile goes by what is remembered; whether
 * that Instance lives, its port tells.
 */
export interface KnownMembers {
  note(instance: Instance): void
  forget(id: InstanceId): void
  /** Replaces all that is remembered. */
  replace(instances: readonly Instance[]): void
  find(id: InstanceId): Instance | undefined
  all(): readonly Instance[]
  /** From now on, for a while, a missing lease proves nothing. */
  doubt(): void
  isInDoubt(): boolean
}

/** knownMembers doubts for `doubtMs` each time. */
export const knownMembers = (doubtMs: number): KnownMembers => {
  const known = new Map<InstanceId, Instance>()
  let doubtedAt = -Infinity
  return {
    note: (instance) => void known.set(instance.id, instance),
    forget: (id) => void known.delete(id),
    replace(instances) {
      known.clear()
      for (const instance of instances) known.set(instance.id, instance)
    },
    find: (id) => known.get(id),
    all: () => [...known.values()],
    doubt() {
      doubtedAt = performance.now()
    },
    isInDoubt: () => performance.now() - doubtedAt < doubtMs,
  }
}
