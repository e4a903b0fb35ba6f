import { RouterError } from '@mcp-router/core'
import type { Session } from '@mcp-router/core'
import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { CallEntry } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { LiveSession } from '../path/owned/live.js'
import type { CallRef } from '../outlet/stream-reply.js'
import { emitSession } from '../sessions/session-events.js'

/** So many requests of a Session may wait for their answers on its Stream at once. */
export const maxPending = 1_000

/** requireRoom throws OVERLOADED where so many more requests would be too many. */
export const requireRoom = (
  live: { readonly replies: Pick<LiveSession['replies'], 'size'> },
  more: number,
): void => {
  if (live.replies.size() + more <= maxPending) return
  throw new RouterError('OVERLOADED', {
    what: 'unanswered calls of one session',
    limit: maxPending,
  })
}

let counted = 0

/** callRefOf names a request that is about to be accepted. An epoch belongs to one process, which counts its entries. */
export const callRefOf = (
  { mayComeAgain, requestId, isAgain }: Pick<Incoming, 'mayComeAgain' | 'requestId' | 'isAgain'>,
  { epoch }: Session,
  live: LiveSession,
  { id }: Message,
): CallRef => ({
  entry: `${epoch}.${++counted}`,
  callId: mayComeAgain ? requestId : '',
  requestId: id,
  generation: live.outlet.generation,
  isRepeated: isAgain,
})

/** A round of waiting that took so long says that this process was paused, ms. */
const pausedMs = 2_000

/**
 * untilLogged resolves once the CallLog has a request that was passed on, or its client has the response: until then a client that loses its
 * connection must hear that by the POST, for nobody else could tell it. A store that is away for long is not waited for. It rejects with
 * UPSTREAM_FAILED where another Instance has the Session meanwhile: one that was paused finds out when its request is written, and what it has
 * delivered went to a stream that its client may have left.
 */
export const untilLogged = async (
  { deps: { guard, callLog }, sessions }: Context,
  { id, backend }: Session,
  live: LiveSession,
  call: CallRef,
): Promise<void> => {
  // The new Owner has read the CallLog before this request could be written, or may have.
  const isSuperseded = () => callLog.isSuperseded(id, call.entry)
  let askedAt = performance.now()
  let wasPaused = false
  const isKept = () => {
    const now = performance.now()
    wasPaused ||= now - askedAt > pausedMs
    askedAt = now
    return !callLog.isUnwritten(id, call.entry) || (!wasPaused && live.outlet.isDelivered(call))
  }
  await guard.until(() => isSuperseded() || live.isOver() || isKept())
  // By now this Instance may have it again, with another live part.
  if (isSuperseded() && sessions.held(id)?.live === live) discard(sessions.forget(id))
  if (isSuperseded() || live.isOver()) throw new RouterError('UPSTREAM_FAILED', { backend })
}

/** relogPending writes down once more what the client of a Session waits for, where the store has lost it. */
export const relogPending = ({ callLog }: Context, { record, live }: SessionEntry): void => {
  for (const { message, call } of live?.replies.pending() ?? [])
    discard(callLog.request(record, call, message.bytes))
}

/** LoggedMessage is a request that was left unanswered, or a response that may not have arrived. */
export interface LoggedMessage {
  readonly call: CallRef
  readonly message: Message
}

/** readCallLog reads what the client of a Session still waits for, or may not have received; undefined: the store is away for longer. */
export const readCallLog = async (
  { deps: { callLog } }: Context,
  { id, downstream }: Session,
  live: LiveSession,
): Promise<readonly LoggedMessage[] | undefined> => {
  if (downstream !== 'sse') return []
  const logged = await callLog.entries(id).catch(() => undefined)
  return logged && parseEntries(logged, live)
}

/** awaitCallLog reads it once the store is back, as long as the Session goes on here: nobody else could tell its client. */
export const awaitCallLog = async (
  context: Context,
  record: Session,
  live: LiveSession,
): Promise<readonly LoggedMessage[]> => {
  const logged = await context.deps.guard
    .retry(
      () => context.deps.callLog.entries(record.id),
      () => !live.isOver(),
    )
    .catch(() => [])
  // Its client may have used an id for another request meanwhile.
  return parseEntries(logged, live).filter(({ call }) => !live.outlet.isSuperseded(call))
}

/** parseEntries puts it in the order of the requests. Of two with the same JSON-RPC id the client waits for the later one only. */
export const parseEntries = (
  logged: readonly CallEntry[],
  live: LiveSession,
): readonly LoggedMessage[] => {
  const { generation } = live.outlet
  const read = logged
    .toSorted((a, b) => byEntry(a.entry, b.entry))
    .flatMap(({ entry, callId, isRepeated = false, body }): LoggedMessage[] =>
      messageIn(body).map((message) => ({
        call: { entry, callId, requestId: message.id, generation, isRepeated },
        message,
      })),
    )
  return [...new Map(read.map((each) => [each.call.requestId, each])).values()]
}

/** isOfEarlierOwner tells what an Owner before this one had accepted. */
export const isOfEarlierOwner =
  ({ epoch }: Session) =>
  ({ call }: LoggedMessage): boolean =>
    Number(call.entry.split('.')[0]) < epoch

/** Entries are `<epoch>.<number>`. */
const byEntry = (one: string, other: string): number => {
  const [a = 0, b = 0] = one.split('.').map(Number)
  const [c = 0, d = 0] = other.split('.').map(Number)
  return a - c || b - d
}

/**
 * settlePending sees to what the client of a Session that was taken over waits for: what may run twice is asked again, of the rest the client hears
 * that its outcome is not known. `died`: the Owner before this one did, and what was asked again there, too, is not asked a third time.
 */
export const settlePending = async (
  context: Context,
  held: SessionEntry,
  logged: readonly LoggedMessage[],
  died: boolean,
): Promise<void> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  const unanswered = logged.filter(({ message }) => message.kind === 'request').length
  const cause = `requests run again or ended with an error: ${unanswered}, responses redelivered: ${logged.length - unanswered}`
  if (logged.length > 0) emitSession(context.deps.events, held.record, 'settled', cause)
  for (const { call } of logged) held.live?.outlet.inherit(call)
  for (const { call, message } of logged) {
    if (message.kind === 'response') {
      held.live?.outlet.deliver(call, message.bytes)
      continue
    }
    const isFirst = message.method === 'initialize'
    const isSafe =
      backend && (isFirst || (await isRetrySafe(context, backend, message).catch(() => false)))
    const { callId, isRepeated = false } = call
    if (!isSafe || (died && isRepeated)) {
      const sent = { message, isRepeated, ...(callId && { requestId: callId }) }
      held.live?.outlet.fail(call, outcomeUnknown(sent))
      continue
    }
    const again = { ...call, isRepeated: died || isRepeated }
    if (died) await context.callLog.request(held.record, again, message.bytes)
    held.live?.pass(message, again)
  }
}

/** failPending is for when there is nobody who could be asked again: each is told what is known of it. */
export const failPending = async (
  context: Context,
  held: SessionEntry,
  logged: readonly LoggedMessage[],
  error: RouterError,
): Promise<void> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  for (const { call, message } of logged) {
    if (message.kind === 'response') {
      held.live?.outlet.deliver(call, message.bytes)
      continue
    }
    const isSafe = backend && (await isRetrySafe(context, backend, message).catch(() => false))
    held.live?.outlet.fail(call, isSafe ? error : outcomeUnknown({ message }))
  }
}

const messageIn = (body: string): readonly Message[] => {
  try {
    return [scanMessage(Buffer.from(body))]
  } catch (error) {
    if (error instanceof MalformedMessage) return []
    throw error
  }
}
