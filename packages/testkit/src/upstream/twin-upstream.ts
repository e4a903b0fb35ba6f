import { scanMessage } from '@mcp-router/protocol'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { createQueue } from '../wait/queue.js'
import type { Queue } from '../wait/queue.js'

/** Passed is one message at a TwinUpstream. */
export interface Passed {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
  readonly answer: (result: object) => void
  readonly refuse: (code: number, message: string, data?: object) => void
  /** Its delivery fails, or its answer breaks off. */
  fail(error: Error): void
}

/** TwinUpstream is an Upstream whose server is the test. */
export interface TwinUpstream extends Upstream {
  readonly passed: readonly Passed[]
  next: Queue<Passed>['next']
  /** Ids (JSON text) that were given up. */
  readonly cancelled: readonly string[]
  listens(): number
  isClosed(): boolean
  say(message: object): void
  /** The connection ends. */
  lose(cause: Error | undefined): void
}

/** createTwinUpstream takes every message; `onPassed` may answer at once. */
export const createTwinUpstream = (
  listener: UpstreamListener,
  onPassed: (passed: Passed) => void = () => undefined,
): TwinUpstream => {
  const queue = createQueue<Passed>()
  const cancelled: string[] = []
  let listens = 0
  let closed = false
  const say = (message: object): void =>
    listener.onMessage(scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))))
  const lose = (cause: Error | undefined): void => {
    if (closed) return
    closed = true
    listener.onClose(cause)
  }
  const pass: Upstream['pass'] = ({ bytes }, onFailed) => {
    const message = JSON.parse(String(bytes)) as Pick<Passed, 'id' | 'method' | 'params'>
    const passed = {
      ...message,
      answer: (result: object) => say({ id: message.id, result }),
      refuse: (code: number, text: string, data?: object) =>
        say({ id: message.id, error: { code, message: text, data } }),
      fail: onFailed,
    }
    queue.put(passed)
    queueMicrotask(() => onPassed(passed))
  }
  return {
    passed: queue.all,
    next: () => queue.next(),
    cancelled,
    listens: () => listens,
    isClosed: () => closed,
    say,
    lose,
    pass,
    send: (message) =>
      new Promise((resolve, reject) => {
        pass(message, reject)
        if (message.kind !== 'request') resolve()
      }),
    cancel: (id) => void cancelled.push(id),
    listen() {
      listens++
    },
    async close() {
      lose(undefined)
      return Promise.resolve()
    },
  }
}
