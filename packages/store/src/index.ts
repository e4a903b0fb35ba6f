export type { EraStore, KnownEra } from './era-store.js'
export { memoryStore } from './memory/store.js'
export type { JoinOutcome, Membership } from './membership.js'
export { openMs, orphanMs } from './orphan-index.js'
export type { NotedStream, OrphanIndex } from './orphan-index.js'
export { guardCallLog } from './guard/guarded-call-log.js'
export type { GuardedCallLog } from './guard/guarded-call-log.js'
export { isAway } from './guard/retry.js'
export { createStoreGuard } from './guard/store-guard.js'
export type { StoreGuard } from './guard/store-guard.js'
export type { QueuedWrite } from './guard/write-queue.js'
export { createRegistry } from './registry.js'
export type { Beside, Registry, Snapshot } from './registry.js'
export { databaseAdvice, databaseProblem } from './redis/connection/advice.js'
export { connectBroadcast } from './redis/broadcast.js'
export { redisStore } from './redis/store.js'
export type { LifeEntry, SessionLives } from './session-lives.js'
export type {
  RestoreOutcome,
  SessionChange,
  SessionStore,
  Touch,
  TouchOutcome,
} from './session-store.js'
export type { Store, StoreChange, StoreHealth, StoreOptions } from './store.js'
export { callLogMs } from './call-log.js'
export type { LoggedCall, CallLog, CallEntry } from './call-log.js'
