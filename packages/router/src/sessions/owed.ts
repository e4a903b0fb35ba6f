import type { Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import { isRetrySafe } from '../retry-safe.js'
import type { HeldSession } from './held.js'
import { isNamed } from './named.js'

/**
 * noteOwed writes down a request whose client is told 202, so that an Instance which takes its Session over knows what it still waits for. Only
 * a client that finds its Session again can be told; while the store is away, live Sessions go on without.
 */
export const noteOwed = async (
  { deps }: Context,
  { id }: Session,
  message: Message,
): Promise<void> => {
  if (!isNamed(id) || message.kind !== 'request') return
  const owed = { requestId: message.id, body: message.bytes.toString('utf8') }
  await deps.journal.owe(id, owed).catch(() => undefined)
}

/** settleOwed takes it out again. */
export const settleOwed = ({ deps }: Context, { id }: Session, requestId: string): void => {
  if (isNamed(id)) discard(deps.journal.settle(id, requestId))
}

/** owedOf reads what an Owner before this one left unanswered. */
export const owedOf = async ({ deps }: Context, { id }: Session): Promise<readonly Message[]> => {
  if (!isNamed(id)) return []
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
  for (const message of owed) {
    const isFirst = message.method === 'initialize'
    const isSafe =
      backend && (isFirst || (await isRetrySafe(context, backend, message).catch(() => false)))
    if (isSafe) held.live?.pass(message)
    else {
      held.live?.tellFailure(message.id, new RouterError('OWNER_LOST'))
      settleOwed(context, held.record, message.id)
    }
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
