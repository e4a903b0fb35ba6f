import type { SessionId } from '@mcp-router/core'
import { journalMs } from '../journal.js'
import type { AcceptedCall, Journal, Owed } from '../journal.js'
import type { Attempt } from './attempt.js'
import { createExpiringMap } from './expiring-map.js'

/** `epochOf` is that of the record of a Session; undefined: there is none. */
export const memoryJournal = (
  attempt: Attempt,
  epochOf: (session: SessionId) => number | undefined,
): Journal => {
  const calls = createExpiringMap<SessionId, Map<string, Owed>>(journalMs)
  const accepted = createExpiringMap<string, AcceptedCall>(journalMs)
  const isSuperseded = (session: SessionId, epoch: number): boolean =>
    (epochOf(session) ?? epoch) !== epoch
  return {
    owe: (session, epoch, owed) =>
      attempt(() => {
        if (isSuperseded(session, epoch)) return false
        calls.put(session, new Map(calls.get(session)).set(owed.entry, owed))
        return true
      }),
    settle: (session, epoch, entries) =>
      attempt(() => {
        if (isSuperseded(session, epoch)) return
        const left = new Map(calls.get(session))
        for (const entry of entries) left.delete(entry)
        if (left.size > 0) calls.amend(session, left)
        else calls.delete(session)
      }),
    owed: (session) => attempt(() => [...(calls.get(session)?.values() ?? [])]),
    accept: (requestId, call) =>
      attempt(() => {
        const known = accepted.get(requestId)
        if (!known) accepted.put(requestId, call)
        return known
      }),
    accepted: (requestId) => attempt(() => accepted.get(requestId)),
    finish: (requestId, call, keptMs) => attempt(() => accepted.put(requestId, call, keptMs)),
    forget: (requestId) => attempt(() => void accepted.delete(requestId)),
  }
}
