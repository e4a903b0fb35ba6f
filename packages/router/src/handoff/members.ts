import type { Instance, InstanceId } from '@mcp-router/core'
import type { Membership } from '@mcp-router/store'

/** Members knows where the other Instances are, remembered for a moment so that a Handoff costs no Redis. */
export interface Members {
  find(id: InstanceId): Promise<Instance | undefined>
  /** Forgets one that did not answer where it should be. */
  forget(id: InstanceId): void
}

const rememberMs = 2_000

export const createMembers = (membership: Membership): Members => {
  const known = new Map<InstanceId, { readonly instance: Instance; readonly at: number }>()
  return {
    async find(id) {
      const found = known.get(id)
      if (found && Date.now() - found.at < rememberMs) return found.instance
      const instance = await membership.find(id)
      if (instance) known.set(id, { instance, at: Date.now() })
      else known.delete(id)
      return instance
    },
    forget: (id) => void known.delete(id),
  }
}
