import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Reply } from '../../outlet/reply.js'

/** How long a server may take to answer, ms. Only its Upstream knows how long it may take to start. */
const patienceMs = 60_000

interface Asked {
  readonly backend: string
  request(message: Message, reply: Reply): Promise<void>
  release(reply: Reply): void
  /** Receives what the server says meanwhile. */
  toStream(said: Message): void
}

/** askOwn sends a request of the router's own and resolves with its response. */
export const askOwn = (asked: Asked, message: Message): Promise<Message> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(tooLong)
      asked.release(reply)
    }
    const reply: Reply = {
      id: message.id,
      activeAt: Infinity,
      say: (said) => asked.toStream(said),
      // What is about no call in particular belongs to those of the client.
      isAway: () => true,
      answer(response) {
        settle()
        resolve(response)
      },
      fail(error) {
        settle()
        reject(error)
      },
    }
    const reason = `${message.method} was not answered`
    const late = new RouterError('UPSTREAM_FAILED', { backend: asked.backend, reason })
    const tooLong =
      message.method === 'initialize' ? undefined : setTimeout(() => reply.fail(late), patienceMs)
    asked.request(message, reply).catch(reject)
  })
