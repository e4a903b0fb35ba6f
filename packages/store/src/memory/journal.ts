import type { SessionId } from '@mcp-router/core'
import { journalMs } from '../journal.js'
import type { AcceptedCall, Journal } from '../journal.js'
import type { Attempt } from './attempt.js'
import { createExpiringMap } from './expiring-map.js'

export const memoryJournal = (attempt: Attempt): Journal => {
  const calls = createExpiringMap<SessionId, Map<string, string>>(journalMs)
  const accepted = createExpiringMap<string, AcceptedCall>(journalMs)
  return {
    owe: (session, { requestId, body }) =>
      attempt(() => {
        calls.put(session, new Map(calls.get(session)).set(requestId, body))
      }),
    settle: (session, requestIds) =>
      attempt(() => {
        const left = new Map(calls.get(session))
        for (const requestId of requestIds) left.delete(requestId)
        if (left.size > 0) calls.amend(session, left)
        else calls.delete(session)
      }),
    owed: (session) =>
      attempt(() =>
        [...(calls.get(session) ?? [])].map(([requestId, body]) => ({ requestId, body })),
      ),
    accept: (requestId, call) =>
      attempt(() => {
        const known = accepted.get(requestId)
        if (!known) accepted.put(requestId, call)
        return known
      }),
    finish: (requestId, call, keptMs) => attempt(() => accepted.put(requestId, call, keptMs)),
    forget: (requestId) => attempt(() => void accepted.delete(requestId)),
  }
}
