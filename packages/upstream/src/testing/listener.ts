import type { EventSink, RouterEvent } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { UpstreamListener } from '../upstream.js'

/** Heard is a listener that keeps what it hears, for a test to wait for and to look at. */
export interface Heard extends UpstreamListener {
  readonly messages: readonly Message[]
  /** The next message that was not taken yet, parsed. */
  next(): Promise<unknown>
  /** Resolves with the cause that `onClose` was given. */
  readonly closed: Promise<Error | undefined>
  closings(): number
}

export const createHeard = (): Heard => {
  const messages: Message[] = []
  let taken = 0
  let closings = 0
  let wake = (): void => undefined
  let close: (cause: Error | undefined) => void = () => undefined
  const closed = new Promise<Error | undefined>((resolve) => {
    close = resolve
  })
  return {
    messages,
    closed,
    closings: () => closings,
    onMessage(message) {
      messages.push(message)
      wake()
    },
    onClose(cause) {
      closings++
      close(cause)
    },
    async next() {
      while (messages.length <= taken) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return JSON.parse(String(messages[taken++]?.bytes)) as unknown
    },
  }
}

/** createEvents keeps the RouterEvents that it is told. */
export const createEvents = (): EventSink & { readonly all: RouterEvent[] } => {
  const all: RouterEvent[] = []
  return { all, emit: (event) => void all.push(event) }
}
