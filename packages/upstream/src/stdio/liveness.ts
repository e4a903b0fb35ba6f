import { randomUUID } from 'node:crypto'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** Liveness finds out whether a process that left a call alone beyond its deadline still says anything. */
export interface Liveness {
  /** A call has passed its deadline: the process is sent a ping. */
  doubt(): void
  /** The process said something. */
  heard(): void
  /** Whether a message is the response to such a ping, which is nobody else's business. */
  isOwn(message: Message): boolean
  close(): void
}

interface Options {
  readonly send: (ping: Message) => void
  /** It said nothing within `patienceMs`. */
  readonly onDead: () => void
  readonly patienceMs: number
}

/** createLiveness takes whatever the process says for life: one that knows no ping (2026-07-28) answers with an error. */
export const createLiveness = ({ send, onDead, patienceMs }: Options): Liveness => {
  const id = `mcp-router-alive-${randomUUID()}`
  const name = JSON.stringify(id)
  let waiting: NodeJS.Timeout | undefined
  const settle = (): void => {
    clearTimeout(waiting)
    waiting = undefined
  }
  return {
    doubt() {
      if (waiting) return
      waiting = setTimeout(onDead, patienceMs)
      waiting.unref()
      send(scanMessage(requestBytes(id, 'ping')))
    },
    heard: settle,
    isOwn: (message) => message.kind === 'response' && message.id === name,
    close: settle,
  }
}
