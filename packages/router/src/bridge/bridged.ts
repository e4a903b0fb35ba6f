import type { Backend, Endpoint } from '@mcp-router/core'
import type { Message, ModernClaim } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'
import type { Bound } from './seal.js'

/** Bridged is one request of a modern client on its way to a server with sessions. */
export interface Bridged {
  readonly backend: Backend
  readonly endpoint: Endpoint
  readonly message: Message
  readonly claim: ModernClaim
}

/** boundOf is what the state of a call is good for. */
export const boundOf = (incoming: Incoming, { backend, message, claim }: Bridged): Bound => ({
  principal: incoming.principal.name,
  backend: backend.name,
  method: message.method,
  params: claim.params,
})
