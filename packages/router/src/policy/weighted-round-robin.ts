import type { Endpoint } from '@mcp-router/core'

/** Policy picks the Endpoint for new work among those that may be used; `usable` is never empty. */
export type Policy = (usable: readonly Endpoint[]) => Endpoint

/**
 * weightedRoundRobin spreads work by weight, evenly interleaved: each turn every Endpoint gains its weight, the richest is taken and pays
 * the sum (Nginx's smooth weighted round robin).
 */
export const weightedRoundRobin = (): Policy => {
  const credit = new Map<string, number>()
  return (usable) => {
    let best = usable[0]
    if (!best) throw new TypeError('a policy needs at least one endpoint')
    if (usable.length === 1) return best
    let sum = 0
    for (const endpoint of usable) {
      sum += endpoint.weight
      credit.set(endpoint.id, (credit.get(endpoint.id) ?? 0) + endpoint.weight)
      if ((credit.get(endpoint.id) ?? 0) > (credit.get(best.id) ?? 0)) best = endpoint
    }
    credit.set(best.id, (credit.get(best.id) ?? 0) - sum)
    return best
  }
}
