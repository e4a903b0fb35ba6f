import { connectModern } from './client-v2.js'
import { connectHttp, connectSse } from './client-v1.js'
import type { Call } from './call.js'

/** clientKinds are the official clients, each with the transport that it takes to the router. */
export const clientKinds = ['v1 sse', 'v1 http', 'v2 modern'] as const
export type ClientKind = (typeof clientKinds)[number]

/** backendKinds are the servers behind the router, by their names in the servers file. */
export const backendKinds = ['http-stateful', 'http-modern', 'sse', 'stdio'] as const
export type BackendKind = (typeof backendKinds)[number]

/** ChaosClient is a stock client, connected. */
export interface ChaosClient {
  /** Calls a tool and resolves with the text of its result. `signal` gives the call up. */
  call(call: Call, signal: AbortSignal): Promise<string>
  /** Cuts the connections of its streams that can be resumed, and tells how many there were. */
  cut(): number
  cuttable(): number
  readonly canListenAgain: boolean
  /** Opens one more stream by GET, as the SDK does by itself behind a break. */
  listenAgain(): void
  /** What became of the answer to its last message: a stream that is over brings no more. */
  answer(): 'none' | 'begun' | 'over'
  /** Why an answer of its user could not be delivered; told once. */
  undelivered(): string | undefined
  /** Why it cannot go on; undefined: it can. */
  lost(): string | undefined
  close(): Promise<void>
  /** Ends it as a process ends: connections close, nothing is said. */
  abandon(): Promise<void>
}

/** ConnectSpec says where a client speaks. */
export interface ConnectSpec {
  /** Nginx. */
  readonly gateway: string
  readonly backend: BackendKind
  /** Like no other client's. */
  readonly clientId: string
}

/** connectClient connects, and lists the tools as hosts do. */
export const connectClient = (kind: ClientKind, spec: ConnectSpec): Promise<ChaosClient> => {
  switch (kind) {
    case 'v1 sse':
      return connectSse(spec)
    case 'v1 http':
      return connectHttp(spec)
    case 'v2 modern':
      return connectModern(spec)
  }
}
