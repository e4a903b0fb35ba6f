import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Progress } from './client.js'

type OnProgress = (progress: Progress) => void

/** Reports hears progress where messages arrive: the client drops what comes in one piece with the answer. */
export interface Reports {
  /** The next call that is sent reports to this. */
  expect(onProgress: OnProgress): void
}

/** HeardTransport is what the transports of both SDKs have in common. */
interface HeardTransport<M, E, O> {
  onmessage?: ((message: M, extra?: E) => void) | undefined
  send(message: M, options?: O): Promise<void>
}

/** hearReports listens in on a transport that its client is connected to. */
export const hearReports = <M extends JSONRPCMessage, E, O>(
  transport: HeardTransport<M, E, O>,
): Reports => {
  const listeners = new Map<unknown, OnProgress>()
  /** A call that goes on with answers (2026-07-28, input_required) is another request, whose token is another one. */
  const calls = new Map<string, OnProgress>()
  let next: OnProgress | undefined
  const { onmessage } = transport
  const send = transport.send.bind(transport)
  transport.send = (message, options) => {
    const token = tokenOf(message)
    if (token !== undefined) {
      const isAgain = 'params' in message && message.params?.['requestState'] !== undefined
      const onProgress = isAgain ? calls.get(nameOf(message)) : next
      if (onProgress) {
        listeners.set(token, onProgress)
        calls.set(nameOf(message), onProgress)
      }
      if (!isAgain) next = undefined
    }
    return send(message, options)
  }
  transport.onmessage = (message, extra) => {
    if ('method' in message && message.method === 'notifications/progress') {
      const { progressToken, ...progress } = message.params ?? {}
      listeners.get(progressToken)?.(progress as unknown as Progress) // as the server reports it
    }
    onmessage?.(message, extra)
  }
  return {
    expect(onProgress) {
      next = onProgress
    },
  }
}

const tokenOf = (message: JSONRPCMessage): unknown =>
  'params' in message ? message.params?._meta?.['progressToken'] : undefined

const nameOf = (message: JSONRPCMessage): string => {
  const { name, arguments: args } = ('params' in message && message.params) || {}
  return JSON.stringify([name, args])
}
