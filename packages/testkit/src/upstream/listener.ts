import type { EventSink, RouterEvent } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { ModernListener, UpstreamListener } from '@mcp-router/upstream'
import { createQueue } from '../wait/queue.js'

/** Heard is a listener that keeps what it hears, for a test to wait for and to look at. */
export interface Heard extends UpstreamListener {
  readonly messages: readonly Message[]
  /** What each message was said to be about. */
  readonly abouts: readonly (string | undefined)[]
  /** The next message that was not taken yet, parsed. */
  next(): Promise<unknown>
  /** Resolves with the cause that `onClose` was given. */
  readonly closed: Promise<Error | undefined>
  closings(): number
}

export const createHeard = (): Heard => {
  const messages: Message[] = []
  const abouts: (string | undefined)[] = []
  const queue = createQueue<Message>()
  let closings = 0
  let close: (cause: Error | undefined) => void = () => undefined
  const closed = new Promise<Error | undefined>((resolve) => {
    close = resolve
  })
  return {
    messages,
    abouts,
    closed,
    closings: () => closings,
    onMessage(message, about) {
      messages.push(message)
      abouts.push(about)
      queue.put(message)
    },
    onClose(cause) {
      closings++
      close(cause)
    },
    next: async () => parsed(await queue.next()),
  }
}

/** ModernHeard is what came of one modern request, in order: messages parsed, errors as they are. */
export interface ModernHeard extends ModernListener {
  readonly all: readonly unknown[]
  readonly next: () => Promise<unknown>
}

export const createModernHeard = (): ModernHeard => {
  const queue = createQueue()
  return {
    all: queue.all,
    next: () => queue.next(),
    onNotification: (message) => queue.put(parsed(message)),
    onResponse: (message) => queue.put(parsed(message)),
    onFailed: (error) => queue.put(error),
  }
}

const parsed = (message: Message): unknown => JSON.parse(String(message.bytes)) as unknown

/** createEvents keeps the RouterEvents that it is told. */
export const createEvents = (): EventSink & { readonly all: RouterEvent[] } => {
  const all: RouterEvent[] = []
  return { all, emit: (event) => void all.push(event) }
}
