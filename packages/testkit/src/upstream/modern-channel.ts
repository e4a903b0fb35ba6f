import { notificationBytes, scanMessage } from '@mcp-router/protocol'
import type { ModernChannel, ModernListener } from '@mcp-router/upstream'
import { createQueue } from '../wait/queue.js'
import type { Queue } from '../wait/queue.js'

/** Sent is one request at a TwinChannel, and the server's side of it. */
export interface Sent {
  readonly id: unknown
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  isAborted(): boolean
  say(method: string, params?: object): void
  answer(result: object): void
  refuse(code: number, message: string, data?: object): void
  fail(error: Error): void
}

/** TwinChannel is a ModernChannel whose server is the test. */
export interface TwinChannel extends ModernChannel {
  readonly sent: readonly Sent[]
  next: Queue<Sent>['next']
}

export const createTwinChannel = (): TwinChannel => {
  const queue = createQueue<Sent>()
  return {
    sent: queue.all,
    next: () => queue.next(),
    request({ bytes }, headers, listener) {
      let aborted = false
      const hearing: ModernListener = {
        onNotification: (message) => aborted || listener.onNotification(message),
        onResponse: (message) => aborted || listener.onResponse(message),
        onFailed: (error) => aborted || listener.onFailed(error),
      }
      const { id, method, params } = JSON.parse(String(bytes)) as Pick<
        Sent,
        'id' | 'method' | 'params'
      >
      const respond = (body: object): void =>
        hearing.onResponse(
          scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, ...body }))),
        )
      queue.put({
        id,
        method,
        params,
        headers: pairs(headers),
        isAborted: () => aborted,
        say: (said, about) => hearing.onNotification(scanMessage(notificationBytes(said, about))),
        answer: (result) => respond({ result }),
        refuse: (code, message, data) => respond({ error: { code, message, data } }),
        fail: (error) => hearing.onFailed(error),
      })
      return {
        abort() {
          aborted = true
        },
      }
    },
    retire: () => undefined,
    close: () => Promise.resolve(),
  }
}

const pairs = (flat: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    flat.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), flat[at + 1] ?? '']] : [])),
  )
