import type { BackendName, Endpoint, HttpEndpoint, SseEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { HttpClient } from '../http/client.js'
import { NotSse, openSseUpstream } from '../sse/upstream.js'
import { endpointKey } from './endpoint-key.js'

/**
 * Transports knows which of the two HTTP transports the server at an `isAuto` Endpoint speaks: Streamable HTTP, until it refuses `initialize` and
 * answers a GET as a server of 2024-11-05 (2025-11-25, transports, backwards compatibility).
 */
export interface Transports {
  /** The Endpoint with the Transport that is known to be its server's. One whose Transport is configured is as it was. */
  of(endpoint: Endpoint): Endpoint
  /** Asks an Endpoint where `initialize` was refused, and remembers what was found out: then `of` has it. It never rejects. */
  isSse(backend: BackendName, endpoint: Endpoint): Promise<boolean>
  /** Opening it as SseEndpoint failed: if that shows that its server is no longer of 2024-11-05, this is forgotten. */
  doubt(endpoint: Endpoint, error: unknown): void
  /** Forgets those of Endpoints that are no longer configured: `isKept` is asked with the endpointKey. */
  retain(isKept: (key: string) => boolean): void
  /** Calls back when `of` gives something else than before. */
  whenChanged(listener: () => void): void
}

/** A client's bad requests must not make one probe each, ms. */
const refusedMs = 10_000
/** How long a server has to send its `endpoint` event to one who only asks, ms. */
const endpointWaitMs = 5_000

export const createTransports = (client: HttpClient, waitMs = endpointWaitMs): Transports => {
  /** The keys of Endpoints that are of 2024-11-05. */
  const found = new Set<string>()
  /** Until when each that is not is believed to be none, ms since the epoch. */
  const refused = new Map<string, number>()
  const asking = new Map<string, Promise<boolean>>()
  const listeners = new Set<() => void>()

  const changed = (): void => {
    for (const listener of listeners) listener()
  }

  const isSse = async (backend: BackendName, endpoint: SseEndpoint): Promise<boolean> => {
    const asked = { client, backend: { name: backend }, endpoint, listener, events, waitMs }
    try {
      await (await openSseUpstream(asked)).close()
      return true
    } catch (error) {
      // It said where to POST, if a place where nobody goes.
      return error instanceof RouterError && error.code === 'UPSTREAM_BAD_ANSWER'
    }
  }

  const ask = async (backend: BackendName, endpoint: SseEndpoint): Promise<boolean> => {
    const key = endpointKey(endpoint)
    if (await isSse(backend, endpoint)) {
      found.add(key)
      changed()
      return true
    }
    const now = Date.now()
    // There are few; those of Endpoints that the operator removed must not stay.
    for (const [each, until] of refused) if (until <= now) refused.delete(each)
    refused.set(key, now + refusedMs)
    return false
  }

  return {
    of(endpoint) {
      if (endpoint.transport === 'stdio' || !endpoint.isAuto) return endpoint
      const isFound = found.has(endpointKey(endpoint))
      if (isFound === (endpoint.transport === 'sse')) return endpoint
      return isFound ? asSse(endpoint) : { ...endpoint, transport: 'http' }
    },
    async isSse(backend, endpoint) {
      if (endpoint.transport === 'stdio' || !endpoint.isAuto) return endpoint.transport === 'sse'
      const key = endpointKey(endpoint)
      if (found.has(key)) return true
      if ((refused.get(key) ?? 0) > Date.now()) return false
      const already = asking.get(key)
      if (already) return already
      const asked = ask(backend, asSse(endpoint)).finally(() => asking.delete(key))
      asking.set(key, asked)
      return asked
    },
    doubt(endpoint, error) {
      const isOther = error instanceof RouterError && error.cause instanceof NotSse
      if (isOther && found.delete(endpointKey(endpoint))) changed()
    },
    retain(isKept) {
      for (const key of found) if (!isKept(key)) found.delete(key)
    },
    whenChanged(listener) {
      listeners.add(listener)
    },
  }
}

const asSse = (endpoint: HttpEndpoint | SseEndpoint): SseEndpoint => ({
  ...endpoint,
  transport: 'sse',
})

/** Who only asks has no use for what else is said. */
const listener = { onMessage: () => undefined, onClose: () => undefined }
const events = { emit: () => undefined }
