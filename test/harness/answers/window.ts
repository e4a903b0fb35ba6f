import type { Judge, Pending } from './judge.js'
import { openHttpWindow } from './http-window.js'
import { openSseWindow } from './sse-window.js'

/** windowKinds are revisions whose clients have a session. */
export const windowKinds = ['2024-11-05', '2025-03-26', '2025-11-25'] as const
export type WindowKind = (typeof windowKinds)[number]

/** WindowSpec says who opens a window, and where; `name` is what a client of 2024-11-05 calls itself. */
export interface WindowSpec {
  readonly gateway: string
  readonly server: string
  readonly revision: WindowKind
  readonly name: string
  readonly title: string
  readonly judge: Judge
}

/** Call is one call of a tool that answers with the nonce after a while. */
export interface Call {
  readonly id: number | string
  readonly nonce: string
  readonly ms: number
}

/** How a call ended; `abandoned`: its window ended before. */
export type Ended = 'answered' | 'refused' | 'abandoned'

/** Window is one living process of a client. */
export interface Window {
  /** Sends one call, or several as a batch, and resolves once each has ended. */
  call(...calls: readonly Call[]): Promise<readonly Ended[]>
  cancel(id: Call['id']): void
  /** Ends as a process does: connections close, nothing is said. */
  abandon(): void
}

/** openWindow connects and does the handshake; it tries again until it succeeds or `signal` is aborted. */
export const openWindow = (spec: WindowSpec, signal: AbortSignal): Promise<Window> =>
  spec.revision === '2024-11-05' ? openSseWindow(spec, signal) : openHttpWindow(spec, signal)

/** textOf is one message for one call, an array for several. */
export const textOf = (calls: readonly Call[]): string => {
  const messages = calls.map(({ id, nonce, ms }) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'look', arguments: { nonce, ms } },
  }))
  return JSON.stringify(messages.length === 1 ? messages[0] : messages)
}

export const cancelText = (requestId: Call['id']): string =>
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })

export const initializeText = (protocolVersion: WindowKind): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 'answers', version: '1' } },
  })

/** expectAnswers notes calls as pending and resolves once each has ended, at the latest when the window does. */
export const expectAnswers = (
  calls: readonly Call[],
  pending: Map<string, Pending>,
  own: Set<string>,
  ending: AbortSignal,
): Promise<readonly Ended[]> =>
  Promise.all(
    calls.map(
      ({ id, nonce }) =>
        new Promise<Ended>((resolve) => {
          own.add(nonce)
          pending.set(JSON.stringify(id), { nonce, settle: resolve })
          ending.addEventListener('abort', () => resolve('abandoned'), { once: true })
          if (ending.aborted) resolve('abandoned')
        }),
    ),
  )
