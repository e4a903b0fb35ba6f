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
  const { revision } = claim
  const headers = typeof revision === 'string' ? ['mcp-protocol-version', revision] : []
  headers.push('mcp-method', message.method)
  if (name !== undefined) headers.push('mcp-name', encodeHeaderValue(name))
  // A plain loop: this runs for every modern request, and few have any.
  for (let at = 0; at + 1 < received.length; at += 2) {
    const field = received[at] ?? ''
    if (field.length > paramPrefix.length && isParam(field))
      headers.push(field, received[at + 1] ?? '')
  }
  return headers
}

const paramPrefix = 'mcp-param-'

const isParam = (name: string): boolean =>
  name.slice(0, paramPrefix.length).toLowerCase() === paramPrefix
