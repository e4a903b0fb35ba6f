import { randomUUID } from 'node:crypto'
import type { InstanceId, SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import { messageFrame, requestBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'

/**
 * A client of the official SDKs that opens its stream again sends no Last-Event-ID, but it still has the address that its first `endpoint`
 * event named, which nobody else knows. So it is sent a ping before any `endpoint` event; it answers at that address, and the answer proves
 * which Session it had (spec 2024-11-05: utilities, ping; transports, HTTP with SSE).
 */
export interface ReturnProofs {
  /**
   * Sends the ping on the response, which must have begun, again and again. Undefined: nobody answered it within `patienceMs` of the time in which
   * this process ran; one that was paused finds the answer at its door.
   */
  ask(incoming: Incoming, backend: string, patienceMs: number): Promise<SessionId | undefined>
  /** Takes the answer to a ping of this Instance, which came at the address of that Session. */
  settle(message: Message, incoming: Incoming, backend: string, session: string): void
}

interface Asked {
  readonly principal: string
  readonly backend: string
  readonly resolve: (session: SessionId | undefined) => void
}

const prefix = 'mcp-router-return'

/** An answer may have gone to an Instance that stands still; the next one goes to another, ms. */
const againMs = 1_000

export const createReturnProofs = (instance: InstanceId): ReturnProofs => {
  const asked = new Map<string, Asked>()
  return {
    ask(incoming, backend, patienceMs) {
      const id = [prefix, instance, randomUUID()].join('~')
      const name = JSON.stringify(id)
      const ping = messageFrame(requestBytes(id, 'ping', {}))
      return new Promise((resolve) => {
        const settle = (session: SessionId | undefined): void => {
          clearInterval(again)
          asked.delete(name)
          resolve(session)
        }
        let waitedMs = 0
        const again = setInterval(() => {
          waitedMs += againMs
          if (waitedMs >= patienceMs) settle(undefined)
          else incoming.res.write(ping)
        }, againMs)
        incoming.whenClosed(() => settle(undefined))
        asked.set(name, { principal: incoming.principal.name, backend, resolve: settle })
        incoming.res.write(ping)
      })
    },
    settle({ id }, { principal }, backend, text) {
      const ping = asked.get(id)
      const session = asSessionId(text)
      // The address names the Backend where it can; whoever asked looks the Session up with its own.
      const isSame = ping?.principal === principal.name && (!backend || ping.backend === backend)
      if (isSame && session) ping.resolve(session)
    },
  }
}

/** askerOf names the Instance whose ping a message answers; undefined: it answers none. */
export const askerOf = ({ kind, id }: Message): InstanceId | undefined => {
  if (kind !== 'response' || !id.startsWith(`"${prefix}~`)) return undefined
  const [, instance] = id.split('~')
  return instance as InstanceId | undefined // looked up before it is used
}
