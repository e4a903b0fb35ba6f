import type { EventEmitter } from 'node:events'
import { reasonOf } from '@mcp-router/core'
import type { StoreChange, StoreHealth } from '../../store.js'

/** Phase: `opening` until Redis was ready for the first time, then `up` and `down` in turn, at last `closed`. */
export type Phase = 'opening' | 'up' | 'down' | 'closed'

/** Watch follows the events of a client. It is also the listener without which an `error` event would end the process. */
export interface Watch {
  readonly phase: () => Phase
  readonly health: () => StoreHealth
  /** Resolves when the phase is no longer `opening`. */
  readonly opened: Promise<void>
  /** How often Redis was reached anew. */
  readonly times: () => number
  /** Counts Redis as away before the client has noticed. */
  readonly lose: (reason: string) => void
  readonly close: () => void
}

/** rootOf: a Cluster client says only that all nodes failed, and keeps why in `lastNodeError`. */
const rootOf = (error: Error): unknown =>
  'lastNodeError' in error ? (error.lastNodeError ?? error) : error

export const watch = (
  client: EventEmitter,
  onChange: (change: StoreChange) => void = () => undefined,
): Watch => {
  let phase: Phase = 'opening'
  let since = Date.now()
  let reason = 'connecting'
  let times = 0
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })

  const lose = (why: string) => {
    if (phase !== 'up') return
    phase = 'down'
    since = Date.now()
    reason = why
    onChange({ up: false, reason })
  }
  client.on('ready', () => {
    if (phase === 'closed') return
    if (phase === 'down') onChange({ up: true, afterMs: Date.now() - since })
    phase = 'up'
    times++
    reason = 'connection closed'
    open()
  })
  client.on('error', (error: Error) => {
    if (phase !== 'closed') reason = reasonOf(rootOf(error))
  })
  client.on('close', () => lose(reason))

  return {
    phase: () => phase,
    health: () => (phase === 'up' ? { up: true } : { up: false, since, reason }),
    opened,
    times: () => times,
    lose,
    close() {
      phase = 'closed'
      since = Date.now()
      reason = 'closed'
      open()
    },
  }
}
