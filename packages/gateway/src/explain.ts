import { asSessionId, isPortable } from '@mcp-router/core'
import type { InstanceId, Principal, Session } from '@mcp-router/core'
import type { LifeEntry, Store } from '@mcp-router/store'
import { summaryOf } from './life-summary.js'

/** Explanation is what is known of one Session (`GET /api/sessions/<id>/explain`): neither params nor secrets of anybody. */
export interface Explanation {
  readonly id: string
  /** Null: it has ended. */
  readonly session: ExplainedSession | null
  /** The oldest first, times as ISO-8601. */
  readonly life: readonly ExplainedEntry[]
  /** All of it in a sentence. */
  readonly summary: string
}

interface ExplainedSession {
  readonly backend: string
  readonly principal: string
  readonly downstream: Session['downstream']
  /** Who opened it. */
  readonly instance: InstanceId
  /** Null: any Instance can serve it, as it is portable, or its owner released it. */
  readonly owner: InstanceId | null
  readonly epoch: number
  readonly endpoint: string
  readonly revision: string
  readonly loggingLevel: string
  /** How many. */
  readonly subscriptions: number
  readonly lastActive: string
}

type ExplainedEntry = Omit<LifeEntry, 'at' | 'principal'> & { readonly at: string }

/** Explained is the answer; `reason` says, to whoever asked, why there is none. */
export type Explained =
  | { readonly kind: 'known'; readonly explanation: Explanation }
  | { readonly kind: 'unknown'; readonly reason: string }

interface Deps {
  readonly store: Pick<Store, 'sessions' | 'lives'>
  /** How long an unused Session lives. */
  readonly ttlMs: number
}

/**
 * explain tells a Principal of one of its Sessions. What belongs to another looks like what never was, as it does to the data plane. It rejects
 * with STORE_UNAVAILABLE while nobody can know.
 */
export const explain = async (
  { store, ttlMs }: Deps,
  text: string,
  { name }: Principal,
): Promise<Explained> => {
  const id = asSessionId(text)
  if (!id) return unknown(ttlMs)
  const [found, noted] = await Promise.all([store.sessions.find(id), store.lives.read(id)])
  const record = found?.principal === name ? found : undefined
  const life = noted.filter(({ principal }) => principal === name)
  if (!record && life.length === 0) return unknown(ttlMs)
  const summary = summaryOf({ record, life, now: Date.now(), ttlMs })
  const session = record ? sessionOf(record, life) : null
  return { kind: 'known', explanation: { id, session, life: life.map(entryOf), summary } }
}

const unknown = (ttlMs: number): Explained => ({
  kind: 'unknown',
  reason: `No session of yours by this id: it never existed, or it was last used more than ${duration(ttlMs)} ago. What happened to a session is kept for that long after its last use`,
})

const sessionOf = (record: Session, life: readonly LifeEntry[]): ExplainedSession => ({
  backend: record.backend,
  principal: record.principal,
  downstream: record.downstream,
  instance: record.instance,
  owner: isPortable(record) || isReleased(record, life) ? null : record.instance,
  epoch: record.epoch,
  endpoint: record.endpoint,
  revision: record.revision,
  loggingLevel: record.loggingLevel,
  subscriptions: record.subscriptions.length,
  lastActive: new Date(record.lastActive).toISOString(),
})

/** The record names its last owner until another Instance takes the Session over. */
const isReleased = ({ instance }: Session, life: readonly LifeEntry[]): boolean => {
  const last = life.findLast(({ kind }) => !ofNoOwner.has(kind))
  return last?.kind === 'released' && last.instance === instance
}

/** Turns that do not say that an Instance drives the Session. */
const ofNoOwner: ReadonlySet<string> = new Set(['settled', 'resumed', 'restored'])

const entryOf = ({ at, kind, instance, backend, endpoint, epoch, cause }: LifeEntry) => ({
  at: new Date(at).toISOString(),
  kind,
  instance,
  backend,
  endpoint,
  epoch,
  cause,
})

/** duration tells a lifetime as people say it. */
const duration = (ms: number): string => {
  if (ms >= 120_000) return `${Math.round(ms / 60_000)} minutes`
  return ms >= 2_000 ? `${Math.round(ms / 1_000)} seconds` : `${ms} ms`
}
