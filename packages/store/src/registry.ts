import type { Backend, BackendName } from '@mcp-router/core'

/** Snapshot is one immutable view of the Registry. */
export interface Snapshot {
  readonly revision: number
  readonly backends: ReadonlyMap<BackendName, Backend>
}

/** Registry is the table of Backends. `control` publishes, `router` reads the Snapshot; listeners hear each new one. */
export interface Registry {
  snapshot(): Snapshot
  publish(backends: readonly Backend[]): Snapshot
  /** Returns the function that ends the subscription. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void
}

/** createRegistry starts empty, at revision 0. */
export const createRegistry = (): Registry => {
  let current: Snapshot = { revision: 0, backends: new Map() }
  const listeners = new Set<(snapshot: Snapshot) => void>()
  return {
    snapshot: () => current,
    publish(backends) {
      const table = new Map(backends.map((backend) => [backend.name, backend]))
      current = Object.freeze({ revision: current.revision + 1, backends: table })
      for (const listener of listeners) listener(current)
      return current
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
