import { MalformedMessage } from './malformed.js'

/** legacyRevisions are those with sessions, oldest first (protocol revisions, modelcontextprotocol.io/specification). */
export const legacyRevisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

/** latestLegacy is what the router asks for when it opens a Session of its own. */
export const latestLegacy = '2025-11-25'

const legacy: ReadonlySet<string> = new Set(legacyRevisions)

export const isLegacyRevision = (text: string): boolean => legacy.has(text)

/** modernRevisions are those without sessions that the router serves, oldest first. */
export const modernRevisions = ['2026-07-28'] as const

const modern: ReadonlySet<string> = new Set(modernRevisions)

export const isModernRevision = (text: string): boolean => modern.has(text)

/**
 * agreedRevision is the revision that an InitializeResult names; empty where it names none. It goes
 * into headers and records, so what has not the form of a revision throws MalformedMessage.
 */
export const agreedRevision = (result: Readonly<Record<string, unknown>>): string => {
  const { protocolVersion } = result
  if (protocolVersion === undefined) return ''
  if (typeof protocolVersion === 'string' && /^\d{4}-\d\d-\d\d$/.test(protocolVersion))
    return protocolVersion
  throw new MalformedMessage('not-jsonrpc', 'its protocolVersion is not a revision like 2025-06-18')
}
