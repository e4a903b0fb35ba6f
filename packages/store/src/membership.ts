import type { Instance, InstanceId } from '@mcp-router/core'

/** JoinOutcome: `joined`, or the Instance that already lives under this id at another address. */
export type JoinOutcome =
  { readonly kind: 'joined' } | { readonly kind: 'taken'; readonly by: Instance }

/**
 * Membership is who is in the cluster: one lease per Instance, `leaseMs` long, renewed by its Gateway. A lease that nobody could renew, because
 * the store was away or has lost it, does not count as lapsed before its Instance had the time to come back: `list` and `find` tell whom they
 * remember until then, and while the store is away. They reject where they remember nobody.
 */
export interface Membership {
  /**
   * Takes the lease of `instance.id`. It is refused when the lease is held from another address, unless `evict` is true (the caller
   * has made sure that nobody answers there). The same address replaces its predecessor: only one process can listen on it.
   */
  join(instance: Instance, options?: { readonly evict?: boolean }): Promise<JoinOutcome>
  /**
   * Renews the lease and publishes `instance.sessions`; takes it anew when it had lapsed. A lease that is held from another address
   * since is left alone, so that one who was evicted and wakes up does not evict in turn.
   */
  renew(instance: Instance): Promise<void>
  leave(id: InstanceId): Promise<void>
  /** The live Instances, sorted by id. Forgets ids whose lease has lapsed. */
  list(): Promise<readonly Instance[]>
  find(id: InstanceId): Promise<Instance | undefined>
}
