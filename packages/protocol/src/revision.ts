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
