import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/**
 * scanClientMessage is scanMessage for what a client sent. A notification has no id (MCP, base protocol), and with one it passes for a
 * request, whose params nobody looks at: a cancellation at a server that others share would be of a call of theirs.
 */
export const scanClientMessage = (bytes: Buffer): Message => {
  const message = scanMessage(bytes)
  if (message.kind !== 'request' || !message.method.startsWith('notifications/')) return message
  throw new MalformedMessage('not-jsonrpc', 'a notification has no "id"; leave it out', message.id)
}
