import type { Era } from '@mcp-router/core'
import { discoverFault, isModernRevision, metaKeys, parseJson } from '@mcp-router/protocol'
import type { Question } from './discover.js'

/** Finding is the Era of an Endpoint, how it showed, and what else the Endpoint said of itself. */
export interface Finding {
  readonly era: Era
  /** For people: `server/discover was answered`. */
  readonly sign: string
  /** The revisions that it named; none where it named none. */
  readonly revisions: readonly string[]
  readonly server: ServerInfo | undefined
  /** The Endpoint did not say so itself: it may answer better in a moment. */
  readonly isTentative?: boolean
}

/** ServerInfo is what a server calls itself; nothing vouches for it. */
export interface ServerInfo {
  readonly name: string
  readonly version: string
}

/** findingFrom judges a response (2026-07-28, versioning): all but a modern server's own words is legacy. Undefined: it is no response. */
export const findingFrom = (bytes: Buffer, question: Question): Finding | undefined => {
  const { result, error } = recordIn(bytes)
  if (isRecord(error)) return fromError(error, question)
  if (!isRecord(result)) return undefined
  if (question === 'initialize') {
    const revisions = strings([result['protocolVersion']])
    const server = serverInfo(result['serverInfo'])
    return { ...legacy('initialize was answered, server/discover was not'), revisions, server }
  }
  const revisions = strings(result['supportedVersions'])
  const meta = result['_meta']
  const server = serverInfo(isRecord(meta) ? meta[metaKeys.serverInfo] : undefined)
  const era = revisions.some(isModernRevision) ? 'modern' : 'legacy'
  return { era, sign: discoverFault(result) ?? 'server/discover was answered', revisions, server }
}

/** legacy is the Finding where the Endpoint told nothing of itself. */
export const legacy = (sign: string): Finding => ({
  era: 'legacy',
  sign,
  revisions: [],
  server: undefined,
})

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fromError = (error: Readonly<Record<string, unknown>>, question: Question): Finding => {
  const { code, message, data } = error
  const sign = `${question} was refused: ${printable(code)} ${printable(message)}`.trim()
  if (code !== unsupportedVersion) return legacy(sign)
  // Not `requested` beside it, which is what was asked for and not what there is.
  const revisions = strings(isRecord(data) ? data['supported'] : data)
  if (!revisions.some(isModernRevision)) return { ...legacy(sign), revisions }
  return { era: 'modern', sign, revisions, server: undefined }
}

/** UnsupportedProtocolVersion (2026-07-28, basic §Error codes). */
const unsupportedVersion = -32022

const recordIn = (bytes: Buffer): Readonly<Record<string, unknown>> => {
  try {
    const value = parseJson(bytes)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

const serverInfo = (value: unknown): ServerInfo | undefined =>
  isRecord(value)
    ? { name: printable(value['name']), version: printable(value['version']) }
    : undefined

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.filter((each): each is string => typeof each === 'string').map(printable)
    : []

/** What a server says ends in terminals and logs, where control characters would act. */
const printable = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number'
    ? String(value)
        .replace(/\p{C}+/gu, ' ')
        .slice(0, 200)
    : ''
