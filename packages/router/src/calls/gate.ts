import { createHash } from 'node:crypto'
import type { Backend } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { callLogMs } from '@mcp-router/store'
import type { LoggedCall } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import type { SessionEntry } from '../sessions/entry.js'
import { outcomeUnknown } from './outcome.js'
import { respondError, respondJson } from '../http/respond.js'
import { isKnownRetrySafe, isRetrySafe } from './retry-safe.js'

/**
 * gate is what every call passes once, at the Instance that sends it to a server: `go` is done where it may be executed here. Nginx sends a request
 * again, under the same X-Request-Id, when the Instance that had it goes away: what may run twice passes at once the first time, the rest, and
 * whatever comes again, is noted in the CallLog first, and what is noted there already is answered from it. So a message that ends the Instances it
 * comes to ends two of them at most.
 */
export const gate = (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
  go: () => Promise<void> | void,
): Promise<void> | void => {
  const { mayComeAgain, isAgain } = incoming
  if (!mayComeAgain || (!isAgain && isKnownRetrySafe(context, backend, message))) return go()
  return accept(context, incoming, backend, [message], message.bytes).then((may) =>
    may ? go() : undefined,
  )
}

/** gateBatch does so for a batch with these requests, as one: it runs again only where all of them may. */
export const gateBatch = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  requests: readonly Message[],
  bytes: Buffer,
  go: () => Promise<void>,
): Promise<void> => {
  const { mayComeAgain, isAgain } = incoming
  const isPassed = !mayComeAgain || (requests.length === 0 && !isAgain)
  if (!isPassed) incoming.requests = requests
  if (isPassed || (await accept(context, incoming, backend, requests, bytes))) await go()
}

/**
 * gateAccepted does so for messages of a client of 2024-11-05, which are answered 202: a request that this Instance, or an Owner before this one,
 * has accepted already is not passed on once more, and gets its 202 with the first. `go` is for the others; it begins in the same turn.
 */
export const gateAccepted = async (
  { recentRequests }: Context,
  incoming: Incoming,
  held: SessionEntry,
  messages: readonly Message[],
  go: (fresh: readonly Message[]) => Promise<void>,
): Promise<void> => {
  const before = messages.map((message) => recentRequests.find(incoming, held, message))
  const fresh = messages.filter((_, at) => !before[at])
  const accepting = fresh.length > 0 ? go(fresh) : Promise.resolve()
  for (const message of fresh) recentRequests.note(incoming, held, message, accepting)
  await Promise.all([...before, accepting])
}

/** accept is false where the request was answered, or will be. */
const accept = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  requests: readonly Message[],
  bytes: Buffer,
): Promise<boolean> => {
  const { isAgain, message, requestId } = incoming
  const areSafe = requests.map((each) => isKnownRetrySafe(context, backend, each))
  const isSafe = areSafe.every((is) => is === true)
  if (isSafe && !isAgain) return true
  const { instance } = context.deps
  const noted = { instance, at: Date.now(), digest: digestOf(incoming, bytes) }
  const again = { ...noted, again: true }
  const call = isAgain ? again : noted
  // While the store is away for longer than a restart takes, calls go on without it.
  const accepting = context.deps.callLog.accept(requestId, call).catch(() => 'away' as const)
  const mayBeSafe = !isAgain && !areSafe.includes(false)
  const answer = await (mayBeSafe ? safeOr(context, backend, requests, accepting) : accepting)
  if (answer === 'safe') return !hasLeft(incoming)
  const isAway = answer === 'away'
  const known = isAway ? undefined : answer
  // It was not sent, so that it may be when it comes again.
  const isLeft = (): boolean => {
    if (!hasLeft(incoming)) return false
    if (!known) discard(context.deps.callLog.release(requestId))
    return true
  }
  if (isLeft()) return false
  // Another request that was given the same id: whoever made it up does so for more than one.
  if (known && known.digest !== call.digest) return true
  if (known?.instance === instance && context.calls.join(incoming)) return false
  // It was noted before it was sent, but the store is away, or has lost the note.
  const isLost =
    !known &&
    isAgain &&
    !isSafe &&
    (isAway || (await hasLost(context))) &&
    !(await areRetrySafe(context, backend, requests))
  if (isLeft()) return false
  if (isLost) {
    respondError(incoming, outcomeUnknown({ message, requestId }))
    return false
  }
  if (!known || isSame(known, call)) {
    context.calls.begin(incoming, call)
    return true
  }
  if (known.response !== undefined) {
    respondJson(incoming, 200, Buffer.from(known.response))
    return false
  }
  // Whoever had it is gone, or has passed it on: now it is worth a process to know whether it may run again.
  const mayRepeat = !known.again && (isSafe || (await areRetrySafe(context, backend, requests)))
  if (isLeft()) return false
  if (mayRepeat) {
    await context.deps.callLog.finish(requestId, again).catch(() => undefined)
    context.calls.begin(incoming, again)
    return true
  }
  const isRepeated = known.again === true
  respondError(incoming, outcomeUnknown({ message, requestId, at: known.at, isRepeated }))
  return false
}

/** safeOr resolves with what is faster: a call does not wait for its server to list tools, nor for the store. */
const safeOr = <T>(
  context: Context,
  backend: Backend,
  requests: readonly Message[],
  accepting: Promise<T>,
): Promise<T | 'safe'> => {
  const asking = areRetrySafe(context, backend, requests, 'running')
  const whenSafe = asking.then(async (are) => (are ? 'safe' : accepting))
  return Promise.race([accepting, whenSafe])
}

/** hasLeft tells that nobody waits for the call, of which nothing was sent yet. */
const hasLeft = (incoming: Incoming): boolean => {
  if (!incoming.isClosed()) return false
  incoming.done(499, 'CLIENT_LEFT')
  return true
}

const areRetrySafe = async (
  context: Context,
  backend: Backend,
  requests: readonly Message[],
  ask: 'any' | 'running' = 'any',
): Promise<boolean> => {
  for (const each of requests)
    if (!(await isRetrySafe(context, backend, each, ask).catch(() => false))) return false
  return true
}

/** A store that is away says nothing. */
const hasLost = ({ sessions }: Context): Promise<boolean> =>
  sessions.hasLost(callLogMs).catch(() => false)

/** The store may have taken it although it did not say so in time. */
const isSame = (known: LoggedCall, call: LoggedCall): boolean =>
  known.instance === call.instance && known.at === call.at

const digestOf = ({ principal, req }: Incoming, bytes: Buffer): string =>
  createHash('sha256')
    .update(JSON.stringify([principal.name, req.url, req.headers['mcp-session-id'] ?? '']))
    .update(bytes)
    .digest('base64url')
