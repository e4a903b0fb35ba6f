import type { BackendName, EventSink, InstanceId, Principal, SessionId } from '@mcp-router/core'
import type {
  CallLog,
  Membership,
  OrphanIndex,
  Registry,
  SessionStore,
  StoreGuard,
} from '@mcp-router/store'
import type { HttpClient, ListChange, LoopGuard, Upstreams } from '@mcp-router/upstream'
import type { EdgeRequest } from './http/edge.js'

/** Admission decides who a request is from. It throws FORBIDDEN_ORIGIN, FORBIDDEN_HOST or UNAUTHENTICATED. */
export interface Admission {
  admit(req: EdgeRequest): Principal
}

/** Broadcast tells the other Instances; delivery is best effort, the next touch finds out anyway. */
export interface Broadcast {
  /**
   * Resolves once they know, or did not say so for a moment, or for `waitMs`: nobody must meet a Session that was ended. Its Owner
   * says so once its process is gone.
   */
  sessionEnded(id: SessionId, waitMs?: number): Promise<void>
  /** What others remember of this Session is out of date. */
  sessionMoved(id: SessionId): void
  /** The server of a portable Session asks the client. */
  clientAsked(id: SessionId): void
  /** A server told this Instance that one of its lists has changed. */
  listChanged(backend: BackendName, change: ListChange): void
  /** A server of this Backend was re-initialized: what others know of its tools may be out of date. */
  serverInitialized(backend: BackendName): void
}

/** RouterOptions are the limits of the data plane; durations ms, sizes bytes. */
export interface RouterOptions {
  readonly maxBodyBytes: number
  readonly sessionTtlMs: number
  readonly touchMs: number
  readonly keepAliveMs: number
  /** How long a call that asked its client waits for the answers. */
  readonly inputTtlMs: number
  /** How long calls wait for an Endpoint that has just gone to come back, counted from when it went. */
  readonly endpointPatienceMs: number
  /** An owned Session that nobody uses keeps its process so long. */
  readonly idleUpstreamMs: number
  /** How long an Endpoint may take to answer `initialize`. */
  readonly openTimeoutMs: number
  /** Sessions of one Principal at one Backend, at one Instance; each of them may run a process where the Backend is a command. */
  readonly maxSessions: number
  readonly maxStdioSessions: number
  /** What a client says of itself when it opens a Session, as JSON. */
  readonly maxHandshakeBytes: number
  /** How long a client's own stream waits for an Endpoint that is being started: clients try only a few times. */
  readonly streamPatienceMs: number
  /** What the streams of all Sessions of an Instance keep at most; the newest event of each that has not ended may come on top. */
  readonly maxReplayBytes: number
  /** Where Backends are registered; clients are told its name without its folder. */
  readonly serversFile?: string
}

/** RouterDeps are what the data plane is built from; `gateway` hands them in. */
export interface RouterDeps extends Omit<Upstreams, 'close'> {
  readonly instance: InstanceId
  readonly registry: Registry
  readonly guard: StoreGuard
  readonly sessions: SessionStore
  readonly membership: Membership
  readonly callLog: CallLog
  readonly orphans: OrphanIndex
  /** Names what the store holds: another name, and it was emptied (Store). */
  readonly generation: () => Promise<string>
  readonly client: HttpClient
  /** That of the client. */
  readonly loops: LoopGuard
  readonly admission: Admission
  readonly broadcast: Broadcast
  readonly events: EventSink
  readonly clusterSecret: string
  /** Since when nobody may have taken over what this Instance owns, as `performance.now()` counts; undefined: its lease has lapsed. */
  readonly leaseHeldSince: () => number | undefined
  /** How long after its start clients may be on their way back with Sessions that other processes had, ms; 0: none are. */
  readonly returningMs?: number
  readonly options: RouterOptions
}
