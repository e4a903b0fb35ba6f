import type { EventSink, Session, SessionEvent } from '@mcp-router/core'
import type { Handoff } from '../cluster/handoff.js'
import type { Revival } from '../path/owned/revival.js'

/** tellSession tells of one turn in the life of a Session; `cause` is the end of "because …". */
export const emitSession = (
  events: EventSink,
  { id, backend, principal, endpoint, epoch }: Session,
  action: SessionEvent['action'],
  cause = '',
): void =>
  events.emit({
    kind: 'session',
    action,
    session: id,
    backend,
    principal,
    endpoint,
    epoch,
    ...(cause && { cause }),
  })

/** tellRevived tells that an owned Session has another Upstream, where, and why. */
export const emitRevived = (
  events: EventSink,
  record: Session,
  at: Pick<Session, 'endpoint' | 'place'>,
  revival: Revival,
  same: 'replayed' | 'reconnected' = record.initialize ? 'replayed' : 'reconnected',
): void => {
  const action = at.place === record.place ? same : 'moved'
  // Nothing else restarts the Upstream of a Session that has no handshake.
  const cause = revival.cause ?? (record.initialize ? '' : 'its client sent initialize again')
  revival.cause = undefined
  emitSession(events, { ...record, ...at }, action, cause)
}

/** lossOf says why a Session needs another Owner than the one that its record names. */
export const lossOf = async (
  handoff: Handoff,
  { instance }: Session,
  self: string,
): Promise<string> => {
  if (instance === self) return `${instance} was restarted`
  const owner = await handoff.find(instance).catch(() => undefined)
  if (owner === undefined) return `the lease of ${instance} had ended`
  return owner.back === undefined ? `${instance} did not answer` : `${instance} was being stopped`
}
