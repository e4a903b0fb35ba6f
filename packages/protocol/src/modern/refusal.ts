import { legacyRevisions, modernRevisions } from '../revision.js'
import { metaKeys } from './envelope.js'
import type { EnvelopeFault } from './envelope.js'

/**
 * Refusal is the answer to a modern request that must not go on: an HTTP status and a JSON-RPC error. Of what the client sent, only the
 * revision it asked for is in it.
 */
export interface Refusal {
  readonly status: 400 | 404
  readonly code: number
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** invalidRequest is JSON-RPC's -32600, for messages that no modern client posts (2026-07-28, Streamable HTTP §Sending Messages). */
export const invalidRequest = (message: string): Refusal => ({ status: 400, code: -32600, message })

/** malformedEnvelope is the one -32602 with status 400 (2026-07-28, basic §General fields); all others are answered in band. */
export const malformedEnvelope = (fault: EnvelopeFault): Refusal => ({
  status: 400,
  code: -32602,
  message: `params._meta of the request is malformed: ${fault.key}: ${fault.problem}`,
  data: { envelope: fault },
})

/** missingEnvelope refuses a request whose header names a modern revision and whose body claims none. */
export const missingEnvelope = (): Refusal => ({
  status: 400,
  code: -32602,
  message: `MCP-Protocol-Version names a revision that requires params._meta["${metaKeys.protocolVersion}"]`,
  data: { envelope: { missing: [metaKeys.protocolVersion] } },
})

/** headerMismatch is HeaderMismatch (2026-07-28, Streamable HTTP §Server Validation). */
export const headerMismatch = (header: string, problem: string): Refusal => ({
  status: 400,
  code: -32020,
  message: `Header mismatch: ${header} ${problem}`,
  data: { header },
})

/** unsupportedRevision is UnsupportedProtocolVersion; its text and data let the client pick another (2026-07-28, versioning §Negotiation). */
export const unsupportedRevision = (requested: unknown): Refusal => ({
  status: 400,
  code: -32022,
  message: `Unsupported protocol version (supported: ${modernRevisions.join(', ')}; with sessions: ${legacyRevisions.join(', ')})`,
  data: { supported: modernRevisions, requested },
})

/**
 * methodNotFound has status 404 and a body, which tells it from the 404 of a foreign server (2026-07-28, Streamable HTTP §Protocol
 * Version Header).
 */
export const methodNotFound = (revision: string): Refusal => ({
  status: 404,
  code: -32601,
  message: `Method not found: it is not part of ${revision}`,
})
