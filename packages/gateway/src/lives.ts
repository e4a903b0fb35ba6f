import type { EventSink, InstanceId, SessionEvent } from '@mcp-router/core'
import type { LifeEntry, SessionLives } from '@mcp-router/store'

/** notingLives passes every event on, and notes what it tells of a Session; what cannot be noted now is dropped. */
export const notingLives = (
  sink: EventSink,
  lives: SessionLives,
  instance: InstanceId,
): EventSink => ({
  emit(event) {
    sink.emit(event)
    if (event.kind !== 'session') return
    lives.note(event.session, entryOf(event, instance)).catch(() => undefined)
  },
})

const entryOf = (event: SessionEvent, instance: InstanceId): LifeEntry => {
  const { action, backend, principal, endpoint, epoch = 0, cause = '' } = event
  const kind = action === 'closed' || action === 'expired' ? 'ended' : action
  return { at: Date.now(), kind, instance, backend, principal, endpoint, epoch, cause }
}
