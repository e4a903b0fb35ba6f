import type { BackendName, EndpointId, InstanceId, SessionId } from './ids.js'

/** Session is a legacy client's MCP conversation, kept in Redis under `mcp:sessions:<id>`. */
export interface Session {
  readonly id: SessionId
  readonly backend: BackendName
  readonly principal: string
  /** How the client speaks: the transport of the Downstream that opened it. */
  readonly downstream: 'http' | 'sse'
  /** The Instance that opened the Session; its Owner when `epoch` is above 0. */
  readonly instance: InstanceId
  /** 0: portable, any Instance may continue it. 1 and up: owned, counted up at each Takeover. */
  readonly epoch: number
  readonly endpoint: EndpointId
  /** Keyed hash of the Endpoint's address: `backendSessionId` means nothing at another one. Empty where it is not known. */
  readonly place: string
  /** The session id that the Endpoint gave (http), or empty. */
  readonly backendSessionId: string
  /** The cookies that the Endpoint set (http), as the Cookie header that sends them back; none where it set none. */
  readonly cookies?: string
  /** The protocol revision agreed in `initialize`, or empty before it. */
  readonly revision: string
  /** The client's `initialize` params as JSON text, or empty before it. */
  readonly initialize: string
  /** The log level last set by the client, or empty. */
  readonly loggingLevel: string
  /** Resource URIs that the client subscribed to. */
  readonly subscriptions: readonly string[]
  /** ms since the epoch */
  readonly lastActive: number
}

/** isPortable tells that the Session's whole state is its record, so that no Instance owns it. */
export const isPortable = (session: Session): boolean => session.epoch === 0
