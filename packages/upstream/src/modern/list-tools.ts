import { modernParams } from '@mcp-router/protocol'
import type { ModernChannel } from './channel.js'
import { askModern } from './send.js'

/** How long a server may take for a page, ms: calls wait for it. */
const waitMs = 2_000
const nobody = { capabilities: {}, clientInfo: undefined, logLevel: undefined }

/** listModernTools asks a modern server for one page of its tools, on behalf of the router. */
export const listModernTools = (
  channel: ModernChannel,
  cursor: string | undefined,
): Promise<Readonly<Record<string, unknown>>> => {
  const params = modernParams(cursor === undefined ? undefined : { cursor }, nobody)
  return askModern(channel, { method: 'tools/list', params }, waitMs)
}
