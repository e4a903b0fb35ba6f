import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Progress } from './client.js'

type OnProgress = (progress: Progress) => void

/** Reports hears progress where messages arrive: the client drops what comes in one piece with the answer. */
export interface Reports {
  /** The next call that is sent reports to this. */
  expect(onProgress: OnProgress): void
}

/** hearReports listens in on a transport that its client is connected to. */
export const hearReports = (transport: Transport): Reports => {
  const listeners = new Map<unknown, OnProgress>()
  let next: OnProgress | undefined
  const { onmessage } = transport
  const send = transport.send.bind(transport)
  transport.send = (message, options) => {
    const token = next && tokenOf(message)
    if (next && token !== undefined) {
      listeners.set(token, next)
      next = undefined
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
