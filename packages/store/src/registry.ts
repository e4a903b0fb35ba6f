import { isDeepStrictEqual } from 'node:util'
import type { Backend, BackendName, Endpoint } from '@mcp-router/core'

/** Problems are sentences for the operator, by the name of the server. */
export type Problems = ReadonlyMap<string, readonly string[]>

/** Beside is what the configuration says of servers that are not served, or not as it says. */
export interface Beside {
  /** What is wrong with the configuration of a server, by its name. One that is served all the same goes on as it was before. */
  readonly problems: Problems
  /** Names of servers that are off. */
  readonly disabled: readonly string[]
}

/** Snapshot is one immutable view of the Registry. */
export interface Snapshot extends Beside {
  readonly revision: number
  readonly backends: ReadonlyMap<BackendName, Backend>
}

/** Registry is the table of Backends. `control` publishes, `router` reads the Snapshot; listeners hear each new one. */
export interface Registry {
  snapshot(): Snapshot
  publish(backends: readonly Backend[], beside?: Beside): Snapshot
  /** Publishes the same Backends again: something else is known of their Endpoints. */
  refresh(): void
  /** Returns the function that ends the subscription. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void
}

const nothing: Beside = { problems: new Map(), disabled: [] }

/** createRegistry starts empty, at revision 0. `known` gives each Endpoint as what is known of its server makes it. */
export const createRegistry = (
  known: (endpoint: Endpoint) => Endpoint = (endpoint) => endpoint,
): Registry => {
  let current: Snapshot = { revision: 0, backends: new Map(), ...nothing }
  const listeners = new Set<(snapshot: Snapshot) => void>()

  const asKnown = (backend: Backend): Backend => {
    const endpoints = backend.endpoints.map(known)
    const isSame = endpoints.every((each, at) => each === backend.endpoints[at])
    return isSame ? backend : { ...backend, endpoints }
  }

  /** One that did not change stays the object that it was: what is remembered of it goes on. */
  const kept = (backend: Backend): Backend => {
    const before = current.backends.get(backend.name)
    return before && isDeepStrictEqual(before, backend) ? before : backend
  }

  const publish = (backends: readonly Backend[], beside: Beside = nothing): Snapshot => {
    const table = new Map<BackendName, Backend>()
    for (const each of backends) table.set(each.name, kept(asKnown(each)))
    const { problems, disabled } = beside
    current = Object.freeze({ revision: current.revision + 1, backends: table, problems, disabled })
    for (const listener of listeners) listener(current)
    return current
  }

  return {
    snapshot: () => current,
    publish,
    refresh: () => void publish([...current.backends.values()], current),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
