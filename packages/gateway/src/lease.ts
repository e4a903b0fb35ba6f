import { get } from 'node:http'
import type { Instance } from '@mcp-router/core'
import type { Membership, StoreGuard } from '@mcp-router/store'

/** Lease keeps an Instance in the cluster until it is closed. */
export interface Lease {
  /**
   * Since when nobody could have taken this Instance for gone, as `performance.now()` counts; undefined: now somebody may, because it was not
   * renewed in time.
   */
  heldSince(): number | undefined
  /** Tells the others at once what has changed about the Instance. */
  publish(): Promise<void>
  close(): Promise<void>
}

interface Options {
  readonly membership: Membership
  /** The Instance as it is now, asked at every renewal. */
  readonly self: () => Instance
  readonly renewMs: number
  /** How long the lease lasts, ms. */
  readonly leaseMs: number
  /** Waits for a store that restarts at the same time. */
  readonly guard: Pick<StoreGuard, 'retry' | 'patience'>
  readonly onError: (error: unknown) => void
  /** It had lapsed, and is held again. */
  readonly onRegained?: () => void
}

const probeMs = 1_000
/** A renewal that failed is tried again this soon, ms: the others judge this Instance by its lease once the store is back. */
const retryMs = 500

/** takeLease joins the cluster. It rejects when another live process has the same id. */
export const takeLease = async (options: Options): Promise<Lease> => {
  const { membership, self, renewMs, leaseMs, onError } = options
  // Counted from before it was asked for: the store's clock started later.
  let renewedAt = performance.now()
  let heldSince = renewedAt
  const holds = (): boolean => performance.now() - renewedAt < leaseMs
  const { retry, patience } = options.guard
  const outcome = await retry(() => membership.join(self()), patience.required)
  if (outcome.kind === 'taken') {
    const { by } = outcome
    if (await answers(by)) {
      throw new Error(
        `instance id ${by.id} is already alive at ${by.address} (pid ${by.pid}); give this one another INSTANCE_ID or stop that one`,
      )
    }
    await membership.join(self(), { evict: true })
  }
  const renew = async (): Promise<void> => {
    const askedAt = performance.now()
    await membership.renew(self())
    // What was done to its Sessions while it had lapsed is known to those who look from now on.
    const hadLapsed = askedAt - renewedAt >= leaseMs
    if (hadLapsed) heldSince = performance.now()
    renewedAt = askedAt
    if (hadLapsed) options.onRegained?.()
  }
  let timer: NodeJS.Timeout | undefined
  let failing = false
  const renewAfter = (ms: number): void => {
    timer = setTimeout(() => {
      renewal = renew().then(
        () => {
          failing = false
          if (timer) renewAfter(renewMs)
        },
        (error: unknown) => {
          // Told once, not at every try.
          if (!failing) onError(error)
          failing = true
          if (timer) renewAfter(Math.min(retryMs, renewMs))
        },
      )
    }, ms)
  }
  let renewal: Promise<void> = Promise.resolve()
  renewAfter(renewMs)
  return {
    heldSince: () => (holds() ? heldSince : undefined),
    publish: () => renew().catch(onError),
    async close() {
      clearTimeout(timer)
      timer = undefined
      // One under way would put the lease back.
      await renewal
      await membership.leave(self().id).catch(onError)
    },
  }
}

/** answers tells whether that Instance is really there: its lease may outlive it by seconds. */
export const answers = (instance: Instance): Promise<boolean> =>
  new Promise((resolve) => {
    const asking = get(`${instance.address}/health`, { timeout: probeMs }, (res) => {
      res.resume()
      resolve(res.statusCode === 200)
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve(false))
  })
