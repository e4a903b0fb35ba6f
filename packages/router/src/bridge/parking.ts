import { randomUUID } from 'node:crypto'
import { RouterError } from '@mcp-router/core'
import type { BridgedCall } from './call.js'
import type { Bound, Seal } from './seal.js'

/** Parking keeps the calls of this Instance that wait for their client to come back with answers. */
export interface Parking {
  /** Keeps the call and returns the state by which its next round is found. OVERLOADED when it is full. */
  park(call: BridgedCall, bound: Bound): string
  /** Takes out the call; undefined: it is gone, or its state was used already. */
  take(id: string): BridgedCall | undefined
  /** Gives up a call to make room for others. */
  end(call: BridgedCall): void
  /** Tells that the call of this id was ended so, not used. */
  wasEnded(id: string): boolean
  /** Tells an id of this process, where it still parks calls, from one of a process that was here before under the same name. */
  isOwn(id: string): boolean
  size(): number
  close(): void
}

interface Options {
  readonly seal: Seal
  readonly instance: string
  /** A client that does not come back for this long loses its call, ms. */
  readonly ttlMs: number
}

const maxCalls = 10_000

interface Entry {
  readonly call: BridgedCall
  readonly timer: NodeJS.Timeout
}

export const createParking = ({ seal, instance, ttlMs }: Options): Parking => {
  const parked = new Map<string, Entry>()
  /** Ids, oldest first. */
  const ended = new Set<string>()
  const boot = randomUUID()
  let count = 0
  let closed = false

  return {
    park(call, bound) {
      if (parked.size >= maxCalls) {
        throw new RouterError('OVERLOADED', { what: 'calls that wait for input', limit: maxCalls })
      }
      const id = `${boot}-${++count}`
      const timer = setTimeout(() => {
        parked.delete(id)
        call.giveUp()
      }, ttlMs)
      timer.unref()
      parked.set(id, { call, timer })
      return seal.seal({ instance, call: id }, bound)
    },
    take(id) {
      const entry = parked.get(id)
      if (!entry) return undefined
      parked.delete(id)
      clearTimeout(entry.timer)
      return entry.call
    },
    end(call) {
      for (const [id, entry] of parked) {
        if (entry.call !== call) continue
        parked.delete(id)
        clearTimeout(entry.timer)
        ended.add(id)
        const [oldest] = ended
        if (ended.size > maxCalls && oldest !== undefined) ended.delete(oldest)
      }
      call.giveUp()
    },
    wasEnded: (id) => ended.has(id),
    isOwn: (id) => !closed && id.startsWith(boot),
    size: () => parked.size,
    close() {
      closed = true
      for (const { call, timer } of parked.values()) {
        clearTimeout(timer)
        call.giveUp()
      }
      parked.clear()
    },
  }
}
