import type { SessionId } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { isRetrySafe } from '../retry-safe.js'
import type { HeldSession } from './held.js'
import { tellOn, unknownAnswer } from './resume.js'
import { tellSession } from './tell.js'

/**
 * StreamedCall is a call whose answer has become a stream that its client can resume. It is in the Journal until the client has the answer: the
 * Instance that it resumes at may be another one.
 */
export class StreamedCall {
  private readonly context: Context
  private readonly session: SessionId
  private readonly message: Message

  constructor(context: Context, session: SessionId, message: Message) {
    this.context = context
    this.session = session
    this.message = message
  }

  /** begin resolves once it is there, or cannot be: the stream begins then, because nobody sends the request again from then on. */
  async begin(): Promise<void> {
    this.context.told.withdraw(this.session, this.message.id)
    await this.owe(this.message.bytes)
  }

  /** end keeps the answer: for a client that is away, or that may turn out to have been. */
  end(answer: Buffer, isHeard: boolean): void {
    if (isHeard) this.context.told.add(this.session, this.message.id, answer)
    else discard(this.owe(answer))
  }

  private async owe(body: Buffer): Promise<void> {
    const owed = { requestId: this.message.id, body: body.toString('utf8') }
    await this.context.deps.journal.owe(this.session, owed).catch(() => undefined)
  }
}

/**
 * succeed answers a client that came back for a stream that nobody has any more: with the answer if it was kept, by asking `again` where the
 * call may run twice, else with what is known.
 */
export const succeed = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  requestId: string,
  again: (message: Message) => Promise<void> | void,
): Promise<void> => {
  const { deps } = context
  const { id, backend: name } = held.record
  const owed = (await deps.journal.owed(id)).find((each) => each.requestId === requestId)
  const message = owed && scanMessage(Buffer.from(owed.body))
  const backend = deps.registry.snapshot().backends.get(name)
  tellSession(deps.events, held.record, 'resumed', 'the instance that had its stream was gone')
  const isAgain =
    message?.kind === 'request' &&
    backend &&
    (await isRetrySafe(context, backend, message).catch(() => false))
  if (isAgain) {
    incoming.reads(message)
    await again(message)
    return
  }
  discard(deps.journal.settle(id, [requestId]))
  const isAnswer = message?.kind === 'response'
  tellOn(context, incoming, held, isAnswer ? message.bytes : unknownAnswer(requestId, message))
}
