import type { Backend, BackendName } from '@mcp-router/core'
import { isRecord } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** The lists that may change, by the capability that stands for each. */
const lists = ['tools', 'prompts', 'resources'] as const

/** What servers tell of their lists, by the method of the notification. */
export type ListChange = `notifications/${(typeof lists)[number]}/list_changed`

/** Hears which list of which Backend has changed. */
export type ChangeListener = (backend: BackendName, change: ListChange) => void

/** ListChanges brings together what all Upstreams of one Instance say of changed lists: those who want to know have none of their own. */
export interface ListChanges {
  /** Takes note of a notification, whatever it is about. */
  note(backend: Backend, message: Message): void
  /** Tells at once, for instance what another Instance heard. */
  publish(backend: BackendName, change: ListChange): void
  /** `listener` hears what was noted here. Returns how to stop. */
  whenNoted(listener: ChangeListener): () => void
  /** `listener` hears what was noted or told. */
  subscribe(listener: ChangeListener): () => void
}

/** Many sessions at one server hear of the same change: within this it is one, ms. */
const sameMs = 20

export const createListChanges = (): ListChanges => {
  const noted = new Set<ChangeListener>()
  const listeners = new Set<ChangeListener>()
  const pending = new Set<string>()

  const publish: ListChanges['publish'] = (backend, change) => {
    for (const listener of [...listeners]) listener(backend, change)
  }

  return {
    publish,
    note({ name }, { method }) {
      if (!isListChange(method) || (noted.size === 0 && listeners.size === 0)) return
      const key = `${name} ${method}`
      if (pending.has(key)) return
      pending.add(key)
      setTimeout(() => {
        pending.delete(key)
        publish(name, method)
        for (const listener of [...noted]) listener(name, method)
      }, sameMs)
    },
    whenNoted: (listener) => adding(noted, listener),
    subscribe: (listener) => adding(listeners, listener),
  }
}

/** advertisedChanges are the notifications of changed lists that a server with these capabilities (InitializeResult) sends. */
export const advertisedChanges = (capabilities: unknown): readonly ListChange[] =>
  lists.flatMap((list) => {
    const offered = isRecord(capabilities) ? capabilities[list] : undefined
    return isRecord(offered) && offered['listChanged'] === true ? [changeOf(list)] : []
  })

const changeOf = (list: (typeof lists)[number]): ListChange => `notifications/${list}/list_changed`

const isListChange = (method: string): method is ListChange =>
  lists.some((list) => method === changeOf(list))

const adding = <T>(all: Set<T>, one: T): (() => void) => {
  all.add(one)
  return () => void all.delete(one)
}
