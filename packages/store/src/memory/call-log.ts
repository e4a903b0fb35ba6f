import type { SessionId } from '@mcp-router/core'
import { callLogMs } from '../call-log.js'
import type { LoggedCall, CallLog, CallEntry } from '../call-log.js'
import type { Attempt } from './attempt.js'
import { createExpiringMap } from './expiring-map.js'

/** `epochOf` is that of the record of a Session; undefined: there is none. */
export const memoryCallLog = (
  attempt: Attempt,
  epochOf: (session: SessionId) => number | undefined,
): CallLog => {
  const calls = createExpiringMap<SessionId, Map<string, CallEntry>>(callLogMs)
  const accepted = createExpiringMap<string, LoggedCall>(callLogMs)
  const isSuperseded = (session: SessionId, epoch: number): boolean =>
    (epochOf(session) ?? epoch) !== epoch
  return {
    keep: (session, epoch, call) =>
      attempt(() => {
        if (isSuperseded(session, epoch)) return false
        calls.put(session, new Map(calls.get(session)).set(call.entry, call))
        return true
      }),
    drop: (session, epoch, entries) =>
      attempt(() => {
        if (isSuperseded(session, epoch)) return
        const left = new Map(calls.get(session))
        for (const entry of entries) left.delete(entry)
        if (left.size > 0) calls.amend(session, left)
        else calls.delete(session)
      }),
    entries: (session) => attempt(() => [...(calls.get(session)?.values() ?? [])]),
    accept: (requestId, call) =>
      attempt(() => {
        const known = accepted.get(requestId)
        if (!known) accepted.put(requestId, call)
        return known
      }),
    find: (requestId) => attempt(() => accepted.get(requestId)),
    finish: (requestId, call, keptMs) => attempt(() => accepted.put(requestId, call, keptMs)),
    release: (requestId) => attempt(() => void accepted.delete(requestId)),
  }
}
