import { setTimeout as wait } from 'node:timers/promises'
import type { Instance } from '@mcp-router/core'
import type { Membership, StoreGuard } from '@mcp-router/store'
import { answers } from './lease.js'

interface Options {
  readonly membership: Membership
  /** This Instance; without an address while it does not listen yet. */
  readonly self: Pick<Instance, 'id'> & { readonly address?: string }
  readonly secretDigest: string
  /** How long an Instance that listens may take to replace the lease of its predecessor, ms. */
  readonly settleMs?: number
  /** Waits for a store that restarts at the same time. */
  readonly guard: Pick<StoreGuard, 'retry' | 'patience'>
}

const pauseMs = 100

/**
 * requireSameSecret rejects where live Instances use another cluster secret: they would refuse each
 * other's handoffs. A lease whose Instance does not respond is no obstacle: after a crash it lasts
 * for seconds.
 */
export const requireSameSecret = async ({
  settleMs = 2_000,
  ...options
}: Options): Promise<void> => {
  const giveUpAt = performance.now() + settleMs
  for (;;) {
    const others = await liveWithAnother(options)
    if (others.length === 0) return
    if (performance.now() >= giveUpAt) throw new Error(refusal(others))
    await wait(pauseMs)
  }
}

const liveWithAnother = async ({
  membership,
  self,
  secretDigest,
  guard: { retry, patience },
}: Omit<Options, 'settleMs'>): Promise<readonly Instance[]> => {
  const all = await retry(() => membership.list(), patience.required)
  const others = all.filter(
    (each) =>
      each.id !== self.id &&
      each.address !== self.address &&
      each.secretDigest !== undefined &&
      each.secretDigest !== secretDigest,
  )
  const live = await Promise.all(others.map(answers))
  return others.filter((_, at) => live[at])
}

const refusal = (others: readonly Instance[]): string => {
  const where = others.map(({ id, address, pid }) => `${id} at ${address} (pid ${pid})`)
  return `another cluster secret is in use in this Redis by ${where.join(', ')}; set the same CLUSTER_SECRET here, stop the other cluster, give this one another Redis database (REDIS_URL), or restart all instances together with the new secret`
}
