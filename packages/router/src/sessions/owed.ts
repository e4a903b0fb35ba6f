import { RouterError } from '@mcp-router/core'
import type { Session } from '@mcp-router/core'
import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { outcomeUnknown } from '../outcome.js'
import { isRetrySafe } from '../retry-safe.js'
import type { HeldSession } from './held.js'
import type { LiveSession } from './live.js'
import { tellSession } from './tell.js'

/** So many requests of a Session may wait for their answers on its Stream at once. */
export const maxOwed = 1_000

/** requireRoom throws OVERLOADED where so many more requests would be too many. */
export const requireRoom = (live: Pick<LiveSession, 'owes'>, more: number): void => {
  if (live.owes() + more <= maxOwed) return
  throw new RouterError('OVERLOADED', { what: 'unanswered calls of one session', limit: maxOwed })
}

/**
 * noteOwed writes down a request whose client is told 202, so that an Instance which takes its Session over knows what it still waits for. While
 * the store is away, live Sessions go on without.
 */
export const noteOwed = async (
  { deps, told }: Context,
  { id, downstream }: Session,
  message: Message,
): Promise<void> => {
  if (downstream !== 'sse' || message.kind !== 'request') return
  told.withdraw(id, message.id)
  const owed = { requestId: message.id, body: message.bytes.toString('utf8') }
  await deps.journal.owe(id, owed).catch(() => undefined)
}

/** oweAnswer keeps an answer that its client was not there to hear: whoever takes the Session over tells it. */
export const oweAnswer = (
  { deps }: Context,
  { id, downstream }: Session,
  requestId: string,
  answer: Buffer,
): void => {
  if (downstream === 'sse')
    discard(deps.journal.owe(id, { requestId, body: answer.toString('utf8') }))
}

/** owedOf reads what an Owner before this one left unanswered. */
export const owedOf = async (
  { deps }: Context,
  { id, downstream }: Session,
): Promise<readonly Message[]> => {
  if (downstream !== 'sse') return []
  const owed = await deps.journal.owed(id).catch(() => [])
  return owed.flatMap(({ body }) => messageIn(body))
}

/**
 * payOwed sees to what the client of a Session that was taken over waits for: what may run twice is asked again, of the rest the client hears
 * that its outcome is not known.
 */
export const payOwed = async (
  context: Context,
  held: HeldSession,
  owed: readonly Message[],
): Promise<void> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  const unanswered = owed.filter(({ kind }) => kind === 'request').length
  const cause = `requests left unanswered: ${unanswered}, answers that may not have arrived: ${owed.length - unanswered}`
  if (owed.length > 0) tellSession(context.deps.events, held.record, 'settled', cause)
  if (held.live) paid.set(held.live, new Map(owed.map(({ id, method }) => [id, method])))
  for (const message of owed) {
    if (message.kind === 'response') {
      held.live?.tellAnswer(message.id, message.bytes)
      continue
    }
    const isFirst = message.method === 'initialize'
    const isSafe =
      backend && (isFirst || (await isRetrySafe(context, backend, message).catch(() => false)))
    if (isSafe) held.live?.pass(message)
    else {
      held.live?.tellFailure(message.id, outcomeUnknown({ message }))
    }
  }
}

/** failOwed is for when there is nobody who could be asked again: each is told what is known of it. */
export const failOwed = async (
  context: Context,
  held: HeldSession,
  owed: readonly Message[],
  error: RouterError,
): Promise<void> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  for (const message of owed) {
    const isSafe = backend && (await isRetrySafe(context, backend, message).catch(() => false))
    held.live?.tellFailure(message.id, isSafe ? error : outcomeUnknown({ message }))
  }
}

const paid = new WeakMap<LiveSession, Map<string, string>>()
const taken = new WeakMap<Context, Set<string>>()
/** Of so many messages an Instance remembers that it took them: a message comes again at once or never. */
const maxTaken = 1_000

/**
 * isRepeated tells that a request was taken before: whoever passes it on sends it again, under the same X-Request-Id, when the Instance on the
 * way to the Owner goes away, or the Owner itself, whose successor has seen to it. It must not run twice.
 */
export const isRepeated = (
  context: Context,
  { requestId, mayComeAgain }: Incoming,
  { live, record }: HeldSession,
  { kind, id, method }: Message,
): boolean => {
  if (kind !== 'request') return false
  const answered = live && paid.get(live)
  const as = answered?.get(id)
  // One whose answer was kept is known by that, which names no method.
  if (as === method || as === '') return answered?.delete(id) ?? false
  if (!mayComeAgain) return false
  const all = taken.get(context) ?? new Set<string>()
  taken.set(context, all)
  const name = `${requestId} ${record.id} ${id}`
  if (all.has(name)) return true
  all.add(name)
  const [oldest] = all
  if (all.size > maxTaken && oldest !== undefined) all.delete(oldest)
  return false
}

/** forgetPaid forgets them: a client that begins anew uses the same ids for other requests. */
export const forgetPaid = (live: LiveSession): void => void paid.delete(live)

const messageIn = (body: string): readonly Message[] => {
  try {
    return [scanMessage(Buffer.from(body))]
  } catch (error) {
    if (error instanceof MalformedMessage) return []
    throw error
  }
}
