import { asError } from '@mcp-router/core'
import type { Backend, Endpoint } from '@mcp-router/core'
import { mayTryElsewhere } from '@mcp-router/upstream'
import type { Selector } from '../policy/selector.js'

/** Opening is something that can be had at any Endpoint of a Backend: a session, an Upstream, a Lane. */
export interface Opening<T> {
  readonly backend: Backend
  /** The Endpoint to begin with; undefined: whichever the policy picks. */
  readonly first?: Endpoint | undefined
  /** Those that were tried already; it grows. */
  readonly tried?: Set<Endpoint>
  /** Opens it there. Undefined: this Endpoint does not fit. */
  readonly open: (endpoint: Endpoint) => Promise<T | undefined>
  /** What is looked up says nothing of the Endpoint, and does not mark it as up. */
  readonly isLookup?: boolean
  /** Whether another Endpoint, or the same one in a moment, may do better after this failure; by default where it was never reached. */
  readonly mayGoOn?: (error: unknown) => boolean
  /** False: nobody waits for it any more. */
  readonly isWanted?: () => boolean
  /** The same for all that is done for one request: it has one patience (Selector.mayReturn). */
  readonly attempt?: object
}

/**
 * openWithFailover opens something at the first Endpoint that can give it: one after the other, and all of them again while one that has just gone
 * may come back. It rejects with the last failure, or with NO_HEALTHY_ENDPOINT where none fits.
 */
export const openWithFailover = async <T>(
  selector: Selector,
  { backend, first, tried = new Set(), open, attempt = tried, ...terms }: Opening<T>,
): Promise<T> => {
  const { mayGoOn = mayTryElsewhere, isWanted = () => true, isLookup = false } = terms
  let failure: Error | undefined
  for (let endpoint = first; ; endpoint = undefined) {
    if (tried.size >= backend.endpoints.length) {
      const mayReturn = isWanted() && (await selector.mayReturn(backend, attempt))
      if (!mayReturn && failure) throw failure
      if (mayReturn) tried.clear()
    }
    endpoint ??= selector.select(backend, tried)
    tried.add(endpoint)
    try {
      const opened = await open(endpoint)
      if (opened === undefined) continue
      if (!isLookup) selector.worked(endpoint)
      return opened
    } catch (error) {
      if (!mayGoOn(error) || !isWanted()) throw error
      selector.failed(endpoint)
      failure = asError(error)
    }
  }
}
