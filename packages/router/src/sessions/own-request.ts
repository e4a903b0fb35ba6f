import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Reply } from './reply.js'

/** A command may first have to be fetched (npx), ms. */
const patienceMs = 60_000

interface Asked {
  readonly backend: string
  readonly request: (message: Message, reply: Reply) => Promise<void>
  readonly release: (reply: Reply) => void
  /** Hears what the server says meanwhile. */
  readonly say: (said: Message) => void
}

/** askOwn sends a request of the router's own and resolves with its response. */
export const askOwn = (
  { backend, request, release, say }: Asked,
  message: Message,
): Promise<Message> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(tooLong)
      release(reply)
    }
    const reply: Reply = {
      id: message.id,
      say,
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
    const late = new RouterError('UPSTREAM_FAILED', { backend, reason })
    const tooLong = setTimeout(() => reply.fail(late), patienceMs)
    request(message, reply).catch(reject)
  })
