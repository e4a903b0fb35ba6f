import { createHash } from 'node:crypto'
import type { Instance } from '@mcp-router/core'

/**
 * homeOf picks the Instance that a key belongs to: the same one everywhere, and when one comes or goes, only what belonged to it, or now
 * does, moves (rendezvous hashing). Undefined: there is none.
 */
export const homeOf = <T extends Pick<Instance, 'id'>>(
  key: string,
  instances: readonly T[],
): T | undefined => {
  let best: { readonly instance: T; readonly weight: string } | undefined
  for (const instance of instances) {
    const weight = createHash('sha256')
      .update(JSON.stringify([instance.id, key]))
      .digest('hex')
    if (!best || weight > best.weight) best = { instance, weight }
  }
  return best?.instance
}
