import type { Backend, Endpoint } from '@mcp-router/core'
import { openWithFailover } from '../calls/failover.js'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** reach opens something for a request at the given Endpoint, or at the next one while one cannot be reached. */
export const reach = <T>(
  { selector }: Context,
  incoming: Incoming,
  { backend, endpoint: first }: Place,
  open: (endpoint: Endpoint) => Promise<T>,
): Promise<T> =>
  openWithFailover(selector, {
    backend,
    first,
    open(endpoint) {
      incoming.endpoint = endpoint.id
      return open(endpoint)
    },
    isWanted: () => !incoming.isClosed(),
  })
