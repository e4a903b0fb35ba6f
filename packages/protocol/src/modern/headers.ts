import type { Message } from '../message.js'
import type { ModernClaim } from './claim.js'
import { mirroredName } from './name.js'
import { encodeHeaderValue } from './sentinel.js'

/**
 * modernRequestHeaders writes the headers that mirror a body for the upstream hop, as a flat list of names and values (2026-07-28,
 * Streamable HTTP §Request Metadata). They are made anew of the message that goes up, which may name its tool otherwise than the one
 * that came down; `claim` is that of the former. Of `received`, a flat list such as node's `rawHeaders`, the `Mcp-Param-*` go along as
 * they came: an intermediary must forward those it does not know.
 *
 * The message has passed checkModernRequest: a method that is no field value cannot have.
 */
export const modernRequestHeaders = (
  message: Message,
  claim: ModernClaim,
  received: readonly string[] = [],
): string[] => {
  const name = mirroredName(message.method, claim.params)?.value
  return [
    ...(typeof claim.revision === 'string' ? ['mcp-protocol-version', claim.revision] : []),
    ...['mcp-method', message.method],
    ...(name === undefined ? [] : ['mcp-name', encodeHeaderValue(name)]),
    ...received.filter((_, at) => isParam(received[at % 2 === 0 ? at : at - 1])),
  ]
}

const isParam = (name = ''): boolean => name.toLowerCase().startsWith('mcp-param-')
