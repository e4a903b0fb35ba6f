import type { Session } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { StreamHooks } from '../outlet/reply.js'
import type { ForeignEvent } from './replays.js'
import { respondOnStream, unknownAnswer } from './resume.js'
import { emitSession } from '../sessions/session-events.js'

/**
 * StreamedCall is a call whose answer has become a stream that its client can resume. It is in the CallLog until the client has the answer: the
 * Instance that it resumes at may be another one.
 */
export class StreamedCall implements StreamHooks {
  private readonly context: Pick<Context, 'callLog'>
  private readonly session: Pick<Session, 'id' | 'epoch'>
  private readonly message: Message
  private readonly incoming: Pick<Incoming, 'isAgain'>
  private entry = ''

  constructor(
    context: Pick<Context, 'callLog'>,
    incoming: Pick<Incoming, 'isAgain'>,
    session: Pick<Session, 'id' | 'epoch'>,
    message: Message,
  ) {
    this.context = context
    this.incoming = incoming
    this.session = session
    this.message = message
  }

  /**
   * begin resolves once it is there under the name of its stream, which the client's event ids tell, or cannot be: the stream begins then,
   * because nobody sends the request again from then on.
   */
  async begin(stream: string): Promise<void> {
    this.entry = stream
    const call = { entry: stream, callId: '', isRepeated: this.incoming.isAgain }
    await this.context.callLog.request(this.session, call, this.message.bytes)
  }

  /** end keeps the answer: for a client that is away, or that may turn out to have been. */
  end(answer: Buffer, isHeard: boolean): void {
    const call = { entry: this.entry, callId: '', requestId: this.message.id }
    if (isHeard) this.context.callLog.addDelivered(this.session, call, answer)
    else this.context.callLog.undelivered(this.session, call, answer)
  }
}

/**
 * succeed answers a client that came back for a stream that nobody has any more: with the answer if it was kept, by asking `again` where the
 * call may run twice, else with what is known.
 */
export const succeed = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  event: Pick<ForeignEvent, 'stream' | 'requestId'>,
  again: (message: Message) => Promise<void> | void,
): Promise<void> => {
  const { deps } = context
  const { id, epoch, backend: name } = held.record
  const { stream, requestId = '' } = event
  const logged = (await deps.callLog.entries(id)).find(({ entry }) => entry === stream)
  const message = logged && scanMessage(Buffer.from(logged.body))
  const backend = deps.registry.snapshot().backends.get(name)
  emitSession(deps.events, held.record, 'resumed', 'the instance that had its stream was gone')
  const isAgain =
    logged &&
    !logged.isRepeated &&
    message?.kind === 'request' &&
    backend &&
    (await isRetrySafe(context, backend, message).catch(() => false))
  if (isAgain) {
    incoming.reads(message)
    incoming.isAgain = true
    await deps.callLog.keep(id, epoch, { ...logged, isRepeated: true }).catch(() => undefined)
    await again(message)
    return
  }
  discard(deps.callLog.drop(id, epoch, [stream]))
  const isAnswer = message?.kind === 'response'
  respondOnStream(
    context,
    incoming,
    held,
    isAnswer ? message.bytes : unknownAnswer(requestId, message, logged?.isRepeated),
  )
}
