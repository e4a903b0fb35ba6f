import { RouterError } from '@mcp-router/core'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { refusalOf } from '@mcp-router/upstream'
import { failureOf } from '../calls/failure.js'
import { acceptedOf } from '../http/accept.js'
import type { Incoming } from '../http/incoming.js'
import type { Head } from '../path/http-exchange.js'
import type { Reply } from './reply.js'

/** Outlet is where what a call at an http Endpoint yields is written. */
export interface Outlet {
  /** The head of the Endpoint's answer has come; `isStream`: events follow. */
  onHead?(head: Head, isStream: boolean): void
  /** What the server says before its response. */
  say(said: Message, event: SseEvent): void
  /** An event that is no message. */
  onEvent?(event: SseEvent): void
  /** What the server asks or says outside of calls. False: it cannot be said here. */
  sayOutside(said: Message): boolean
  /** The response; `event`: it came in a stream, whose end follows (`onEnd`). */
  answer(response: Message, head: Head, event?: SseEvent): void
  onEnd?(): void
  /** A message without response was taken, or refused under this status. */
  acknowledge?(status: number, refusal: Message | undefined): void
  fail(error: Error): void
  /** The call is sent again: what came of its answer so far counts no more. */
  forget?(): void
  /** The events of the answer have ids of the Endpoint's, by which the client fetches the rest itself. */
  hasIds?(): boolean
}

/** memberOutlet is that of one request of a batch. */
export const memberOutlet = (incoming: Incoming, reply: Reply): Outlet => ({
  say(said) {
    if (!reply.isOver?.()) reply.say(said)
  },
  sayOutside(said) {
    const isTaken = acceptedOf(incoming.req.headers.accept).stream
    if (isTaken) reply.say(said)
    return isTaken
  },
  answer: (response) => reply.answer(response),
  fail: (error) => reply.fail(failureOf(incoming.backend, error)),
})

/** noticeOutlet is that of a message of a batch that has no response. */
export const noticeOutlet = (
  backend: string,
  onTaken: () => void,
  onFailed: (error: RouterError) => void,
): Outlet => {
  let status = 0
  const refuse = (error: Error): void => {
    const reason = `server "${backend}" refused a message of the batch`
    if (status === 400) onFailed(new RouterError('INVALID_REQUEST', { reason }))
    else onFailed(failureOf(backend, error))
  }
  return {
    onHead(head) {
      status = head.status
    },
    forget() {
      status = 0
    },
    say: () => undefined,
    sayOutside: () => false,
    answer: onTaken,
    acknowledge(_, refusal) {
      if (refusal) refuse(refusalOf(backend, { status, headers: {}, body: refusal.bytes }))
      else onTaken()
    },
    fail: refuse,
  }
}
