import { get } from 'node:http'
import type { Instance } from '@mcp-router/core'
import type { Membership } from '@mcp-router/store'

/** Lease keeps an Instance in the cluster until it is closed. */
export interface Lease {
  /** It was renewed within its time: nobody may take this Instance for gone. */
  holds(): boolean
  close(): Promise<void>
}

interface Options {
  readonly membership: Membership
  /** The Instance as it is now, asked at every renewal. */
  readonly self: () => Instance
  readonly renewMs: number
  /** How long the lease lasts, ms. */
  readonly leaseMs: number
  readonly onError: (error: unknown) => void
}

const probeMs = 1_000

/** takeLease joins the cluster. It rejects when another live process has the same id. */
export const takeLease = async (options: Options): Promise<Lease> => {
  const { membership, self, renewMs, leaseMs, onError } = options
  // Counted from before it was asked for: the store's clock started later.
  let renewedAt = performance.now()
  const outcome = await membership.join(self())
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
    renewedAt = askedAt
  }
  const timer = setInterval(() => void renew().catch(onError), renewMs)
  return {
    holds: () => performance.now() - renewedAt < leaseMs,
    async close() {
      clearInterval(timer)
      await membership.leave(self().id).catch(onError)
    },
  }
}

/** answers tells whether that Instance is really there: its lease may outlive it by seconds. */
const answers = (instance: Instance): Promise<boolean> =>
  new Promise((resolve) => {
    const asking = get(`${instance.address}/health`, { timeout: probeMs }, (res) => {
      res.resume()
      resolve(res.statusCode === 200)
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve(false))
  })
