import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Sent } from './request.js'

/** Heard is the whole answer to a request. */
export interface Heard {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Exchange sends requests over kept connections. */
export interface Exchange {
  /** Resolves with the whole answer; rejects when it takes longer than the bound. */
  send(sent: Sent): Promise<Heard>
  close(): void
}

/** openExchange keeps as many connections as there are requests at once. */
export const openExchange = (base: string, boundMs: number): Exchange => {
  const agent = new Agent({ keepAlive: true })
  const once = (sent: Sent): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const { method, headers, body } = sent
      const sending = request(base + sent.path, { method, headers, agent })
      const late = setTimeout(
        () => sending.destroy(new Error(`no answer within ${boundMs} ms`)),
        boundMs,
      )
      sending.on('error', (cause: NodeJS.ErrnoException) => {
        clearTimeout(late)
        // The connection was given up by the other side at the moment when it was used again.
        const stale = sending.reusedSocket && cause.code === 'ECONNRESET'
        reject(stale ? new StaleConnection() : cause)
      })
      sending.on('response', (response) => {
        text(response).then((body) => {
          clearTimeout(late)
          const type = response.headers['content-type'] ?? ''
          resolve({ status: response.statusCode ?? 0, type, text: body })
        }, reject)
      })
      if (body.length > 0) sending.setHeader('content-length', body.length)
      sending.end(body)
    })
  return {
    send: (sent) =>
      once(sent).catch((error: unknown) => {
        if (error instanceof StaleConnection) return once(sent)
        throw error
      }),
    close: () => agent.destroy(),
  }
}

class StaleConnection extends Error {}
