import type { RouterError } from '@mcp-router/core'
import { errorBytes } from '@mcp-router/protocol'
import { streamWhenQuiet } from '../calls/call-deadline.js'
import type { Clocks } from '../calls/call-deadline.js'
import type { Incoming } from '../http/incoming.js'
import { arrayOf, respondError, respondJson } from '../http/respond.js'
import { failReply } from './reply.js'
import type { OnBroken, RepeatableReply, Reply } from './reply.js'
import { openStream } from './stream.js'
import type { Stream } from './stream.js'

/**
 * BatchReply answers one POSTed batch: as an array when the responses are all there is, as a stream of single messages once something else
 * comes before the last of them (spec 2025-03-26, transports: the server may choose).
 */
export interface BatchReply {
  /** The Reply of one of its requests. Undefined: nobody waits for it any more. */
  replyTo(id: string, terms: MemberTerms): Reply | undefined
}

/** MemberTerms are how the Reply of one request ends. */
interface MemberTerms {
  /** Comes once, answered or not. */
  readonly onOver: (reply: Reply) => void
  readonly onBroken: OnBroken | undefined
}

/** openBatchReply waits for as many responses as there are requests; `answered` are those that there are already. */
export const openBatchReply = (
  incoming: Incoming,
  clocks: Clocks,
  requests: number,
  answered: readonly Buffer[],
): BatchReply => {
  const answers = [...answered]
  const underway = new Map<Reply, (reply: Reply) => void>()
  let missing = requests
  let stream: Stream | undefined
  let over = false

  const finish = (): boolean => {
    if (over) return false
    over = true
    for (const [reply, onOver] of underway) onOver(reply)
    underway.clear()
    return true
  }
  const { accepted } = incoming
  accepted?.keep()
  incoming.whenClosed(() => {
    // What must not run twice may be asked for again: its answers are waited for.
    if (!over && (accepted || finish())) incoming.done(499, 'CLIENT_LEFT')
  })

  const begin = (): Stream => {
    const begun = openStream(incoming.res, clocks.keep, () => undefined)
    for (const answer of answers) begun.message(answer)
    return begun
  }

  streamWhenQuiet(clocks, incoming, () => {
    if (!over) stream ??= begin()
  })

  const end = (): void => {
    if (!finish()) return
    const isClosed = incoming.isClosed()
    accepted?.finish(arrayOf(answers), isClosed)
    if (stream) stream.end()
    else if (!isClosed) respondJson(incoming, 200, arrayOf(answers))
    incoming.done(200, 'ok')
  }

  const settle = (reply: Reply, response: Buffer): void => {
    const onOver = underway.get(reply)
    if (!onOver) return
    underway.delete(reply)
    onOver(reply)
    missing--
    stream?.message(response)
    if (!stream || accepted) answers.push(response)
    if (missing === 0) end()
  }

  /** Nothing was answered yet, so that the client hears of its session what it would hear of a single message. */
  const endSession = (error: RouterError): boolean => {
    if (error.code !== 'SESSION_NOT_FOUND' || stream || answers.length > answered.length)
      return false
    if (finish()) respondError(incoming, error)
    return true
  }

  return {
    replyTo(id, { onOver, onBroken }) {
      if (over) return undefined
      const reply: RepeatableReply = {
        id,
        say(message) {
          if (over) return
          if (!stream && incoming.isClosed()) return
          stream ??= begin()
          stream.message(message.bytes)
        },
        answer: (message) => settle(reply, message.bytes),
        isOver: () => !underway.has(reply),
        fail(error) {
          if (underway.has(reply)) failReply(reply, error, onBroken)
        },
        giveUp(error) {
          if (endSession(error)) return
          settle(reply, errorBytes(id, error.rpc, error.message, error.publicData))
        },
      }
      underway.set(reply, onOver)
      return reply
    },
  }
}
