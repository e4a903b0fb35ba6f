import type { EventSink, StdioEndpoint } from '@mcp-router/core'
import { discard } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { endpointKey } from './endpoint-key.js'

/** Spare is a process that was started to ask an Endpoint for its Era, and that nobody uses yet. */
export interface Spare {
  /** The params that it was initialized with, as JSON; undefined: it was not. */
  readonly initializedWith: string | undefined
  /** Makes it the Upstream of this listener; an `initialize` that it has had already is answered at once. */
  adopt(listener: UpstreamListener, events: EventSink): Upstream
  close(): Promise<void>
}

/** Spares keep these processes for a moment: who asked for the Era is about to open the Endpoint, which may take long to start. */
export interface Spares {
  put(endpoint: StdioEndpoint, spare: Spare): void
  /** The one of this Endpoint, if it can be initialized with these params, or was; undefined params are not known yet. Any other one is ended. */
  take(endpoint: StdioEndpoint, initialize: unknown): Spare | undefined
  close(): Promise<void>
}

const keptMs = 10_000

export const createSpares = (): Spares => {
  const spares = new Map<string, { readonly spare: Spare; readonly timer: NodeJS.Timeout }>()
  const closing = new Set<Promise<void>>()

  const end = (spare: Spare): void => {
    const closed = spare.close().finally(() => closing.delete(closed))
    closing.add(closed)
    discard(closed)
  }

  const remove = (key: string): Spare | undefined => {
    const known = spares.get(key)
    spares.delete(key)
    clearTimeout(known?.timer)
    return known?.spare
  }

  return {
    put(endpoint, spare) {
      const key = endpointKey(endpoint)
      const replaced = remove(key)
      if (replaced) end(replaced)
      const timer = setTimeout(() => {
        const unused = remove(key)
        if (unused) end(unused)
      }, keptMs)
      timer.unref()
      spares.set(key, { spare, timer })
    },
    take(endpoint, initialize) {
      const spare = remove(endpointKey(endpoint))
      if (!spare) return undefined
      const { initializedWith } = spare
      if (initializedWith === undefined || initializedWith === JSON.stringify(initialize))
        return spare
      end(spare)
      return undefined
    },
    async close() {
      for (const key of [...spares.keys()]) {
        const spare = remove(key)
        if (spare) end(spare)
      }
      await Promise.all([...closing].map((closed) => closed.catch(() => undefined)))
    },
  }
}
