import { isFull } from '../redis/connection/unavailable.js'
import { isAway } from './retry.js'
import type { Patience, Retry } from './retry.js'

/** QueuedWrite is what is written under one key. */
export interface QueuedWrite {
  readonly key: string
  readonly bytes: number
  /** Resolves with false where the store refused it, because another Instance has the Session by now, or it is gone. */
  write(): Promise<boolean>
}

/** Slot is the place of one key. */
interface Slot {
  latest: QueuedWrite
  /** Settles once the caller waits no longer. */
  caller: Promise<boolean> | undefined
  /** The attempt that is under way. */
  attempt: Promise<boolean> | undefined
  /** What came of the latest. */
  outcome: boolean | undefined
  /** The store was full at the last attempt. */
  isRefused: boolean
}

/** How often a store that is away is tried, ms. */
const pauseMs = 250
const maxWrites = 10_000
const maxBytes = 16 * 1024 * 1024

/**
 * WriteQueue holds the writes that are under way, and those that wait for the store to come back. A later write of the same key
 * replaces the earlier one, which then has the same outcome. Of too many, the oldest is not tried again.
 */
export class WriteQueue {
  private readonly retry: Retry
  private readonly slots = new Map<string, Slot>()
  private bytes = 0
  private timer: NodeJS.Timeout | undefined

  constructor(retry: Retry) {
    this.retry = retry
  }

  /** write rejects where the store is away for longer than `patience` says. It is written as soon as the store is back all the same. */
  write(write: QueuedWrite, patience: Patience): Promise<boolean> {
    const slot = this.put(write)
    const caller = this.retry(() => this.attempt(slot), patience).finally(() => {
      if (slot.caller === caller) slot.caller = undefined
      this.later()
    })
    slot.caller = caller
    return caller
  }

  /** add has a write wait for the store to come back. */
  add(write: QueuedWrite): void {
    this.put(write)
    this.later()
  }

  /** isAwaited tells that this key is not written yet, and will be once the store is back. */
  isAwaited(key: string): boolean {
    return this.slots.get(key)?.isRefused === false
  }

  get(key: string): QueuedWrite | undefined {
    return this.slots.get(key)?.latest
  }

  all(): readonly QueuedWrite[] {
    return [...this.slots.values()].map(({ latest }) => latest)
  }

  /** drop gives up the write of this key: nobody needs it any more. It resolves once none is under way. */
  async drop(key: string): Promise<void> {
    const slot = this.slots.get(key)
    if (!slot) return
    this.remove(slot)
    slot.outcome = true
    await slot.attempt?.catch(() => undefined)
  }

  /** settled resolves once nobody waits any more for the writes of these keys. */
  async settled(keys: readonly string[]): Promise<void> {
    await Promise.allSettled(keys.flatMap((key) => this.slots.get(key)?.caller ?? []))
  }

  close(): void {
    clearTimeout(this.timer)
    this.slots.clear()
  }

  private put(write: QueuedWrite): Slot {
    const slot = this.slots.get(write.key) ?? {
      latest: write,
      caller: undefined,
      attempt: undefined,
      outcome: undefined,
      isRefused: false,
    }
    this.remove(slot)
    slot.latest = write
    this.slots.set(write.key, slot)
    this.bytes += write.bytes
    for (const oldest of this.slots.values()) {
      if (this.slots.size <= maxWrites && this.bytes <= maxBytes) break
      this.remove(oldest)
    }
    return slot
  }

  private remove(slot: Slot): void {
    const { key, bytes } = slot.latest
    if (this.slots.get(key) !== slot) return
    this.slots.delete(key)
    this.bytes -= bytes
  }

  private attempt(slot: Slot): Promise<boolean> {
    slot.attempt ??= this.send(slot).finally(() => (slot.attempt = undefined))
    return slot.attempt
  }

  private async send(slot: Slot): Promise<boolean> {
    try {
      while (slot.outcome === undefined) {
        const sent = slot.latest
        const isWritten = await sent.write()
        if (slot.latest !== sent) continue
        this.remove(slot)
        slot.outcome ??= isWritten
      }
      return slot.outcome
    } catch (error) {
      if (!isAway(error)) this.remove(slot)
      slot.isRefused = isFull(error)
      throw error
    }
  }

  private later(): void {
    if (this.slots.size === 0) return
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.tryAll()
        .catch(() => undefined)
        .finally(() => this.later())
    }, pauseMs).unref()
  }

  /** tryAll has one ask whether the store is back; at another try, another one. */
  private async tryAll(): Promise<void> {
    const [first] = this.slots.values()
    if (!first) return
    this.slots.delete(first.latest.key)
    this.slots.set(first.latest.key, first)
    await this.retry(
      () => this.attempt(first),
      () => false,
    )
    await Promise.allSettled([...this.slots.values()].map((slot) => this.attempt(slot)))
  }
}
