import { errorBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { RouterError } from '@mcp-router/core'
import type { Incoming } from '../incoming.js'
import type { KeepAlive } from '../keep-alive.js'
import { respondError, respondJson } from '../respond.js'
import { openStream } from './stream.js'
import type { Stream } from './stream.js'

/**
 * Reply answers one POSTed request of an owned Session: as JSON when the response is all there is, as a stream once something else comes
 * first (spec 2025-03-26, transports: the server may choose).
 */
export interface Reply {
  readonly id: string
  /** Passes on what the server says while it works. */
  say(message: Message): void
  /** The response: ends the Reply. */
  answer(message: Message): void
  fail(error: RouterError): void
}

/** openReply waits for the answer; `onOver` comes once, answered or not. */
export const openReply = (incoming: Incoming, keep: KeepAlive, onOver: () => void): Reply => {
  const { res, id } = incoming
  let stream: Stream | undefined
  let over = false
  const finish = (): boolean => {
    if (over) return false
    over = true
    onOver()
    return true
  }
  incoming.whenClosed(() => {
    if (finish()) incoming.done(499, 'CLIENT_LEFT')
  })
  return {
    id,
    say(message) {
      if (over) return
      stream ??= openStream(res, keep, () => undefined)
      stream.message(message.bytes)
    },
    answer(message) {
      if (!finish()) return
      if (!stream) {
        respondJson(incoming, 200, message.bytes)
        return
      }
      stream.message(message.bytes)
      stream.end()
      incoming.done(200, 'ok')
    },
    fail(error) {
      if (!finish()) return
      if (!stream) {
        respondError(incoming, error)
        return
      }
      stream.message(errorBytes(id, error.rpc, error.message))
      stream.end()
      incoming.done(200, error.code)
    },
  }
}
