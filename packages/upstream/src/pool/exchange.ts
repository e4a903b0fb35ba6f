import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { errorBytes, resultBytes, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'

/** Call is one request under way on a shared Upstream. */
export interface Call {
  /** The response with the caller's own id in it. */
  readonly answer: Promise<Buffer>
  /** Gives up: tells the Endpoint (notifications/cancelled) and rejects `answer` with `reason`. */
  cancel(reason: Error): void
}

/** Exchange correlates requests of many callers over one Upstream: each gets an id of its own, every other byte passes. */
export interface Exchange extends UpstreamListener {
  request(message: Message): Call
  /** Calls under way. */
  size(): number
}

interface Pending {
  readonly previousId: string
  readonly resolve: (answer: Buffer) => void
  readonly reject: (reason: Error) => void
}

/**
 * createExchange listens to the Upstream that `upstream()` returns. Requests of the server are refused (-32601), for a shared Upstream
 * declares no capabilities, save `ping`; notifications belong to nobody and are dropped.
 */
export const createExchange = (
  backend: Backend,
  upstream: () => Upstream,
  onEnd: (cause: Error | undefined) => void,
): Exchange => {
  const pending = new Map<string, Pending>()
  let nextId = 1

  const fail = (id: string, reason: Error): void => {
    const waiting = pending.get(id)
    pending.delete(id)
    waiting?.reject(reason)
  }

  const refuse = (message: Message): void => {
    const bytes =
      message.method === 'ping'
        ? resultBytes(message.id, {})
        : errorBytes(message.id, -32601, `${message.method} needs a session; open one first`)
    discard(upstream().send({ bytes, kind: 'response', id: message.id, method: '' }))
  }

  return {
    size: () => pending.size,
    request(message) {
      const id = String(nextId++)
      const { bytes, previous } = spliceId(message, id)
      const answer = new Promise<Buffer>((resolve, reject) => {
        pending.set(id, { previousId: previous, resolve, reject })
      })
      upstream()
        .send({ bytes, kind: 'request', id, method: message.method })
        .catch((error: unknown) =>
          fail(id, error instanceof Error ? error : new Error(String(error))),
        )
      return {
        answer,
        cancel(reason) {
          if (!pending.has(id)) return
          fail(id, reason)
          upstream().cancel(id)
        },
      }
    },
    onMessage(message) {
      if (message.kind === 'request') refuse(message)
      if (message.kind !== 'response') return
      const waiting = pending.get(message.id)
      if (!waiting) return
      pending.delete(message.id)
      waiting.resolve(spliceId(message, waiting.previousId).bytes)
    },
    onClose(cause) {
      const reason =
        cause ?? new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason: 'closed' })
      for (const id of [...pending.keys()]) fail(id, reason)
      onEnd(cause)
    },
  }
}
