import type { StdioEndpoint } from '@mcp-router/core'
import { endpointKey } from '../era/endpoint-key.js'

/**
 * The processes of each Endpoint that are ending. The next one starts when they are gone: many servers hold what only one process can
 * have, such as a browser profile, a database or a port.
 */
const departures = new Map<string, Set<Promise<void>>>()

/** Longer than the grace periods of a process that ends; one that cannot be ended must not block its Endpoint, ms. */
const waitMs = 5_000

/** noteDeparture notes that a process of this Endpoint is ending. */
export const noteDeparture = (endpoint: StdioEndpoint, gone: Promise<void>): void => {
  const key = endpointKey(endpoint)
  const leaving = departures.get(key) ?? new Set<Promise<void>>()
  departures.set(key, leaving)
  const done = gone
    .catch(() => undefined)
    .finally(() => {
      leaving.delete(done)
      if (leaving.size === 0 && departures.get(key) === leaving) departures.delete(key)
    })
  leaving.add(done)
}

/** awaitDepartures resolves once the processes of this Endpoint that are ending now are gone, or after a few seconds. */
export const awaitDepartures = async (endpoint: StdioEndpoint): Promise<void> => {
  const leaving = departures.get(endpointKey(endpoint))
  if (!leaving) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  await Promise.race([Promise.all(leaving), late]).finally(() => clearTimeout(timer))
}
