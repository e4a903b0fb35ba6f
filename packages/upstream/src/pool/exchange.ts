import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { errorBytes, resultBytes, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { createSlots } from './slots.js'

/** Caller waits for one answer; exactly one of its methods is called, once. */
export interface Caller {
  /** The response, with the caller's own id in it. */
  onAnswer(response: Buffer): void
  onFailed(error: Error): void
}

/** Exchange correlates requests of many callers over one Upstream: each gets an id of its own, every other byte passes. */
export interface Exchange extends UpstreamListener {
  /** Sends a request and returns the ticket by which it can be cancelled. */
  request(message: Message, caller: Caller): number
  /** Gives up a request: its caller hears nothing more, the Endpoint is told. `isLate`: it passed its deadline (Upstream). */
  cancel(ticket: number, isLate?: boolean): void
  /** Calls under way. */
  size(): number
}

interface Pending {
  previousId: string
  readonly caller: Caller
}

/**
 * createExchange listens to the Upstream that `upstream()` returns. Requests of the server are refused (-32601), for a shared Upstream
 * declares no capabilities, save `ping`; notifications belong to no call.
 */
export const createExchange = (
  backend: Backend,
  upstream: () => Upstream,
  onEnd: (cause: Error | undefined) => void,
  onNotification: (message: Message) => void = () => undefined,
): Exchange => {
  const pending = createSlots<Pending>()

  const refuse = (message: Message): void => {
    const bytes =
      message.method === 'ping'
        ? resultBytes(message.id, {})
        : errorBytes(message.id, -32601, `${message.method} needs a session; open one first`)
    const answer: Message = { bytes, kind: 'response', id: message.id, method: '' }
    // A server may ask before the Upstream is handed over: then there is no way to answer, and no harm.
    discard(Promise.resolve().then(() => upstream().send(answer)))
  }

  return {
    size: () => pending.size(),
    request(message, caller) {
      const waiting: Pending = { previousId: '', caller }
      const ticket = pending.put(waiting)
      const id = String(ticket)
      const { bytes, previous } = spliceId(message, id)
      waiting.previousId = previous
      const sent: Message = { bytes, kind: 'request', id, method: message.method }
      upstream().pass(sent, (error) => pending.take(ticket)?.caller.onFailed(error))
      return ticket
    },
    cancel(ticket, isLate) {
      if (pending.take(ticket)) upstream().cancel(String(ticket), isLate)
    },
    onMessage(message) {
      if (message.kind === 'request') refuse(message)
      if (message.kind === 'notification') onNotification(message)
      if (message.kind !== 'response') return
      const waiting = pending.take(Number(message.id))
      waiting?.caller.onAnswer(spliceId(message, waiting.previousId).bytes)
    },
    onClose(cause) {
      const reason =
        cause ?? new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason: 'closed' })
      for (const { caller } of pending.drain()) caller.onFailed(reason)
      onEnd(cause)
    },
  }
}
