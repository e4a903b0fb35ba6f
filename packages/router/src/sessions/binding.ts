import type { Backend, Endpoint, Session } from '@mcp-router/core'
import { isPortable } from '@mcp-router/core'
import type { Registry } from '@mcp-router/store'
import type { SharedKeys } from '@mcp-router/upstream'
import type { SessionEntry } from './entry.js'
import { postHeadersOf } from '../path/portable/post-headers.js'

/** Bound is the Endpoint at which a Session goes on. */
interface Bound {
  readonly endpoint: Endpoint
  /** The Endpoint that the record names is no longer configured: nothing of the Session is at this one yet. */
  readonly isReplaced: boolean
}

export interface BindingDeps {
  readonly registry: Registry
  readonly keys: SharedKeys
  readonly held: () => Iterable<SessionEntry>
  /** The operator replaced the Endpoint of a Session that is held here, or its headers. */
  readonly onRebound: (held: SessionEntry) => void
}

/** Another Instance may read a changed servers file that much earlier, ms. */
const arrivalMs = 500
/** So many places are remembered to have been configured. */
const maxPlaces = 10_000

/** createBinding finds the Endpoint of a Session in the current Snapshot, whatever the operator changed in the meantime. */
export const createBinding = ({ registry, keys, held, onRebound }: BindingDeps) => {
  const places = new Set<string>()
  const waiting = new Set<() => void>()

  const note = (): void => {
    if (places.size > maxPlaces) places.clear()
    for (const { endpoints } of registry.snapshot().backends.values())
      for (const endpoint of endpoints) places.add(keys.place(endpoint))
  }
  note()

  /** Undefined: its Backend is gone. */
  const bind = (record: Session): Bound | undefined => {
    const backend = registry.snapshot().backends.get(record.backend)
    if (!backend) return undefined
    const same = backend.endpoints.filter((each) => keys.place(each) === record.place)
    const endpoint = same.find(({ id }) => id === record.endpoint) ?? same[0]
    // Where its server turned out to be of 2024-11-05 by now, nothing of a portable one is there.
    if (endpoint)
      return { endpoint, isReplaced: isPortable(record) && endpoint.transport !== 'http' }
    const other = successor(backend, record)
    return other && { endpoint: other, isReplaced: true }
  }

  /** settle has an entry agree with its record and with what is configured; false: its Backend is gone. */
  const settle = (entry: SessionEntry): boolean => {
    const bound = bind(entry.record)
    if (!bound) return false
    Object.assign(entry, bound)
    entry.postHeaders = postHeadersOf(bound.endpoint, entry.record)
    return true
  }

  const stop = registry.subscribe(() => {
    note()
    for (const entry of held()) {
      const before = entry.endpoint
      // A Session whose Backend is gone ends with its next request, or where it is not used any more.
      if (settle(entry) && entry.endpoint !== before) onRebound(entry)
    }
    for (const check of [...waiting]) check()
  })

  return {
    bind,
    settle,
    /** What a record says of a Session that is at this Endpoint. */
    at: (endpoint: Endpoint): Pick<Session, 'endpoint' | 'place'> => ({
      endpoint: endpoint.id,
      place: keys.place(endpoint),
    }),
    /** Resolves at once, or, where the record names an Endpoint that was never configured here, once it is, or after a moment. */
    async arrival({ place }: Session): Promise<void> {
      if (place === '' || places.has(place)) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(tooLong)
          waiting.delete(check)
          resolve()
        }
        const check = (): void => {
          if (places.has(place)) done()
        }
        const tooLong = setTimeout(done, arrivalMs)
        tooLong.unref()
        waiting.add(check)
      })
    },
    close: stop,
  }
}

/** A portable Session goes on at an http Endpoint, where there is one. */
const successor = ({ endpoints }: Backend, record: Session): Endpoint | undefined => {
  const fitting = isPortable(record) ? endpoints.filter((each) => each.transport === 'http') : []
  const among = fitting.length > 0 ? fitting : endpoints
  return among.find(({ id }) => id === record.endpoint) ?? among[0]
}
