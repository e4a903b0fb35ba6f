import type { Instance, InstanceId } from '@mcp-router/core'
import { homeOf } from './home.js'
import type { Membership } from '@mcp-router/store'

/** Members knows where the other Instances are, remembered for a moment so that a Handoff costs no Redis. */
export interface Members {
  find(id: InstanceId): Promise<Instance | undefined>
  /** The one that is home to a key among all that live: every Instance names the same. */
  home(key: string): Promise<Instance | undefined>
  /** Forgets one that did not answer where it should be. */
  forget(id: InstanceId): void
}

const rememberMs = 2_000

export const createMembers = (membership: Membership): Members => {
  const known = new Map<InstanceId, { readonly instance: Instance; readonly at: number }>()
  let all: { readonly instances: readonly Instance[]; readonly at: number } | undefined
  return {
    async home(key) {
      if (!all || Date.now() - all.at >= rememberMs) {
        all = { instances: await membership.list(), at: Date.now() }
      }
      return homeOf(key, all.instances)
    },
    async find(id) {
      const found = known.get(id)
      if (found && Date.now() - found.at < rememberMs) return found.instance
      const instance = await membership.find(id)
      if (instance) known.set(id, { instance, at: Date.now() })
      else known.delete(id)
      return instance
    },
    forget(id) {
      known.delete(id)
      all = undefined
    },
  }
}
