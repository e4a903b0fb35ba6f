import type { EventSink, InstanceId } from '@mcp-router/core'
import type { SessionStore } from '@mcp-router/store'
import type { SessionEntry } from '../../sessions/entry.js'
import { emitSession } from '../../sessions/session-events.js'

export interface ReleaseDeps {
  readonly store: SessionStore
  readonly events: EventSink
  readonly instance: InstanceId
}

/** releaseOwned lets go of a Session whose Owner is being stopped. */
export const releaseOwned = async (
  { live, record }: SessionEntry,
  { store, events, instance }: ReleaseDeps,
): Promise<void> => {
  if (!live) return
  // What was begun goes on at another Instance; what was not, or whose client cannot find it again, is over.
  const isOver = record.initialize === ''
  await (isOver ? live.close() : live.handOver())
  emitSession(events, record, isOver ? 'closed' : 'released', `${instance} was stopped`)
  if (isOver) await store.delete(record.id).catch(() => false)
}
