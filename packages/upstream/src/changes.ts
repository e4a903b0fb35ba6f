import type { Backend, BackendName } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'

/** What servers tell of their lists, by the method of the notification. */
export type ListChange = `notifications/${'tools' | 'prompts' | 'resources'}/list_changed`

/** Hears which list of which Backend has changed. */
export type ChangeListener = (backend: BackendName, change: ListChange) => void

/** ListChanges brings together what all Upstreams of one Instance say of changed lists: those who want to know have none of their own. */
export interface ListChanges {
  /** Takes note of a notification, whatever it is about. */
  note(backend: Backend, message: Message): void
  /** Tells at once, for instance what another Instance heard. */
  tell(backend: BackendName, change: ListChange): void
  /** `listener` hears what was noted here. Returns how to stop. */
  whenNoted(listener: ChangeListener): () => void
  /** `listener` hears what was noted or told. */
  whenTold(listener: ChangeListener): () => void
}

/** Many sessions at one server hear of the same change: within this it is one, ms. */
const sameMs = 20

export const createListChanges = (): ListChanges => {
  const noted = new Set<ChangeListener>()
  const told = new Set<ChangeListener>()
  const pending = new Set<string>()

  const tell: ListChanges['tell'] = (backend, change) => {
    for (const listener of [...told]) listener(backend, change)
  }

  return {
    tell,
    note({ name }, { method }) {
      if (!isListChange(method) || (noted.size === 0 && told.size === 0)) return
      const key = `${name} ${method}`
      if (pending.has(key)) return
      pending.add(key)
      setTimeout(() => {
        pending.delete(key)
        tell(name, method)
        for (const listener of [...noted]) listener(name, method)
      }, sameMs)
    },
    whenNoted: (listener) => adding(noted, listener),
    whenTold: (listener) => adding(told, listener),
  }
}

/** isListChange tells such a notification by its method. */
export const isListChange = (method: string): method is ListChange =>
  /^notifications\/(?:tools|prompts|resources)\/list_changed$/.test(method)

const adding = <T>(all: Set<T>, one: T): (() => void) => {
  all.add(one)
  return () => void all.delete(one)
}
