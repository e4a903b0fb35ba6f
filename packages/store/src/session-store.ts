import type { InstanceId, Session, SessionId } from '@mcp-router/core'

/** SessionChange is what may change in a record after it was created. */
export type SessionChange = Partial<
  Pick<
    Session,
    | 'endpoint'
    | 'place'
    | 'backendSessionId'
    | 'cookies'
    | 'revision'
    | 'initialize'
    | 'loggingLevel'
    | 'subscriptions'
  >
>

/** Touch says that a Session was in use; `epoch` is what the Instance believes. */
export interface Touch {
  readonly id: SessionId
  readonly epoch: number
}

/** TouchOutcome: `kept`; `gone`: the record was deleted or expired; `superseded`: another Instance claimed it since. */
export type TouchOutcome = 'kept' | 'gone' | 'superseded'

/** RestoreOutcome: `there`: there is a record, which was left as it is; `ended`: it was deleted. */
export type RestoreOutcome = 'restored' | 'there' | 'ended'

/**
 * SessionStore keeps the cluster's Sessions. A record lives `ttlMs` after its last touch. Every method rejects with
 * STORE_UNAVAILABLE when the store cannot be reached; none waits longer than its command timeout.
 */
export interface SessionStore {
  create(session: Session): Promise<void>
  /** Writes a record again that is gone though nobody deleted it: the clock of the store stepped, or it lost something. */
  restore(session: Session): Promise<RestoreOutcome>
  find(id: SessionId): Promise<Session | undefined>
  /** Resolves false, and writes nothing, when the record is gone or its epoch is not `epoch`. */
  update(id: SessionId, epoch: number, change: SessionChange): Promise<boolean>
  /** Renews the life of many records in one round trip; outcomes in the order of `touches`. */
  touch(touches: readonly Touch[], now: number): Promise<readonly TouchOutcome[]>
  /**
   * Claims ownership for `instance` when the record still has `epoch`: sets the owner, counts the epoch up and resolves with the
   * new record; with undefined when someone else was faster or the record is gone.
   */
  claim(id: SessionId, epoch: number, instance: InstanceId): Promise<Session | undefined>
  /** Resolves false when there was no such record. */
  delete(id: SessionId): Promise<boolean>
  /** Walks all Sessions without blocking the store (SCAN); order is not defined. */
  list(): AsyncIterable<Session>
}
