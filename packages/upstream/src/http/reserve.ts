import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

/**
 * Reserve keeps file descriptors for what must go on when connections to servers have used up all others: connections of clients, which are told so,
 * the log, the store.
 */
export interface Reserve {
  /** Is asked before each connection to a server: false while there is no descriptor for it. */
  mayConnect(): boolean
  /** A connection failed with this: where that was for want of descriptors, those in reserve are released. */
  failed(error: unknown): void
  close(): void
}

interface Options {
  /** How many descriptors, that is. */
  readonly count?: number
  /** Throws where there is none. */
  readonly open?: () => number
  readonly close?: (descriptor: number) => void
}

/** How long a released reserve is left alone before it is tried to take it back, ms. */
const pauseMs = 20

/** createReserve takes them at once, as far as there are any; no timer: the next connection takes them back. */
export const createReserve = ({
  count = 16,
  open = () => openSync(devNull, 'r'),
  close = closeSync,
}: Options = {}): Reserve => {
  const held: number[] = []
  let tryAt = 0

  const release = (): void => {
    for (const descriptor of held.splice(0)) close(descriptor)
    tryAt = performance.now() + pauseMs
  }

  /** All or none: who connects next would have the rest. */
  const take = (): boolean => {
    try {
      while (held.length < count) held.push(open())
      return true
    } catch {
      release()
      return false
    }
  }

  take()
  return {
    mayConnect: () => held.length === count || (performance.now() >= tryAt && take()),
    failed(error) {
      if (isOutOfDescriptors(error)) release()
    },
    close: () => release(),
  }
}

const isOutOfDescriptors = (error: unknown): boolean => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EMFILE' || code === 'ENFILE'
}

/** OutOfDescriptors is why no connection was opened, under the code that opening one would fail with. */
export class OutOfDescriptors extends Error {
  readonly code = 'EMFILE'
  constructor() {
    super('no file descriptor is left for a connection to the server')
    this.name = 'OutOfDescriptors'
  }
}

/** noReserve is for processes that serve nobody. */
export const noReserve: Reserve = {
  mayConnect: () => true,
  failed: () => undefined,
  close: () => undefined,
}
