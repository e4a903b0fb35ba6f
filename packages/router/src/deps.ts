import type { IncomingMessage } from 'node:http'
import type { EventSink, InstanceId, Principal, SessionId } from '@mcp-router/core'
import type { Membership, Registry, SessionStore } from '@mcp-router/store'
import type { Dialer, Eras, HttpClient, UpstreamPool } from '@mcp-router/upstream'

/** Admission decides who a request is from. It throws FORBIDDEN_ORIGIN, FORBIDDEN_HOST or UNAUTHENTICATED. */
export interface Admission {
  admit(req: IncomingMessage): Principal
}

/** Broadcast tells the other Instances; delivery is best effort, the next touch finds out anyway. */
export interface Broadcast {
  sessionEnded(id: SessionId): void
}

/** RouterOptions are the limits of the data plane; durations ms, sizes bytes. */
export interface RouterOptions {
  readonly maxBodyBytes: number
  readonly sessionTtlMs: number
  readonly touchMs: number
  readonly keepAliveMs: number
}

/** RouterDeps are what the data plane is built from; `gateway` hands them in. */
export interface RouterDeps {
  readonly instance: InstanceId
  readonly registry: Registry
  readonly sessions: SessionStore
  readonly membership: Membership
  readonly client: HttpClient
  readonly dialer: Dialer
  readonly pool: UpstreamPool
  readonly eras: Eras
  readonly admission: Admission
  readonly broadcast: Broadcast
  readonly events: EventSink
  readonly clusterSecret: string
  readonly options: RouterOptions
}
