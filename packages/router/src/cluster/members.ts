import { secretDigestOf } from '@mcp-router/core'
import type { Instance, InstanceId } from '@mcp-router/core'
import { homeOf } from './home.js'
import type { Membership } from '@mcp-router/store'

/**
 * Members knows where the other Instances are, remembered for a moment so that a Handoff costs no Redis, and for longer while that is away. Those
 * with another cluster secret are left out: they refuse what this one signs.
 */
export interface Members {
  find(id: InstanceId): Promise<Instance | undefined>
  /** The one that is home to a key among all that live: every Instance names the same. */
  home(key: string): Promise<Instance | undefined>
  /** All that live, or that lived when that was last known. */
  all(): Promise<readonly Instance[]>
  /** The same, and while the store is away also those that lived lately: one that was paused cannot say there that it goes on. */
  lately(): Promise<readonly Instance[]>
  /** Forgets one that did not answer where it should be. */
  forget(id: InstanceId): void
  /** Has all that live told to a watcher, every few seconds. */
  watch(watcher: (instances: readonly Instance[]) => void): void
  close(): void
}

const rememberMs = 2_000
const lookMs = 5_000
/** One that was paused goes on within this, or hardly at all, ms. */
const latelyMs = 60_000

interface Known {
  readonly instance: Instance
  /** ms since the epoch */
  readonly at: number
}

interface Listed {
  readonly instances: readonly Instance[]
  /** ms since the epoch */
  readonly at: number
}

export const createMembers = (membership: Membership, secret: string): Members => {
  const ownDigest = secretDigestOf(secret)
  const isOfCluster = ({ secretDigest }: Instance): boolean =>
    secretDigest === undefined || secretDigest === ownDigest
  const listLive = async (): Promise<readonly Instance[]> =>
    (await membership.list()).filter(isOfCluster)
  const known = new Map<InstanceId, Known>()
  let listed: Listed | undefined
  /** What was listed last, for times without a store. */
  let last: readonly Instance[] = []
  /** All that were listed, and when. */
  const seen = new Map<InstanceId, Known>()

  const note = (instances: readonly Instance[]): void => {
    last = instances
    for (const instance of instances) seen.set(instance.id, { instance, at: Date.now() })
    for (const [id, { at }] of seen) if (Date.now() - at > latelyMs) seen.delete(id)
  }

  const list = async (): Promise<readonly Instance[]> => {
    if (listed && Date.now() - listed.at < rememberMs) return listed.instances
    const instances = await listLive()
    listed = { instances, at: Date.now() }
    note(instances)
    return instances
  }

  const watchers: ((instances: readonly Instance[]) => void)[] = []

  // So that the others are known when the store goes away.
  const look = (): void => {
    listLive().then(
      (instances) => {
        note(instances)
        for (const watcher of watchers) watcher(instances)
      },
      () => undefined,
    )
  }
  const timer = setInterval(look, lookMs)
  timer.unref()
  look()

  return {
    home: async (key) => homeOf(key, await list().catch(() => last)),
    all: () => list().catch(() => last),
    lately: () => list().catch(() => [...seen.values()].map(({ instance }) => instance)),
    async find(id) {
      const found = known.get(id)
      if (found && Date.now() - found.at < rememberMs) return found.instance
      // What depends on one that is gone is claimed in the store.
      const instance = await membership.find(id).catch(() => seen.get(id)?.instance)
      if (instance && isOfCluster(instance)) {
        known.set(id, { instance, at: Date.now() })
        return instance
      }
      known.delete(id)
      return undefined
    },
    forget(id) {
      known.delete(id)
      listed = undefined
    },
    watch: (watcher) => void watchers.push(watcher),
    close: () => clearInterval(timer),
  }
}
