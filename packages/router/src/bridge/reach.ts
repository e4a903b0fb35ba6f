import type { Backend, Endpoint } from '@mcp-router/core'
import { mayTryElsewhere } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** reach opens something at the given Endpoint, or at the next one while one cannot be reached; `tried` are out, and grow. */
export const reach = async <T>(
  context: Context,
  incoming: Incoming,
  { backend, endpoint: first }: Place,
  open: (endpoint: Endpoint) => Promise<T>,
  tried = new Set<Endpoint>(),
): Promise<T> => {
  const { selector } = context
  let endpoint = tried.has(first) ? selector.select(backend, tried) : first
  for (;;) {
    incoming.endpoint = endpoint.id
    try {
      const opened = await open(endpoint)
      selector.worked(endpoint)
      return opened
    } catch (error) {
      if (!mayTryElsewhere(error)) throw error
      selector.failed(endpoint)
      tried.add(endpoint)
      if (tried.size >= backend.endpoints.length) {
        if (incoming.isClosed() || !(await selector.mayReturn(backend, tried))) throw error
        tried.clear()
      }
      endpoint = selector.select(backend, tried)
    }
  }
}
