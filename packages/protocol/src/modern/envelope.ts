import { SpelledNumber } from '../exact-json.js'

/** metaKeys are the members of `_meta` that this revision reserves: four on a request, then those on what a server says (2026-07-28, basic §General fields). */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** EnvelopeFault names the member of `_meta` that is wrong, and how, without its value. */
export interface EnvelopeFault {
  readonly key: string
  readonly problem: string
}

/**
 * envelopeFault finds the first fault of a request's `_meta` (2026-07-28, basic §General fields): what is missing goes before what is
 * malformed, required members before optional ones.
 */
export const envelopeFault = (
  meta: Readonly<Record<string, unknown>>,
): EnvelopeFault | undefined => {
  for (const key of required) if (!Object.hasOwn(meta, key)) return { key, problem: 'missing' }
  for (const { key, isSound, problem } of rules) {
    if (Object.hasOwn(meta, key) && !isSound(meta[key])) return { key, problem }
  }
  return undefined
}

/** isRecord says whether a JSON value is an object. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof SpelledNumber)

const required = [metaKeys.protocolVersion, metaKeys.clientCapabilities]

const logLevels: ReadonlySet<unknown> = new Set([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
])

interface Rule {
  readonly key: string
  readonly isSound: (value: unknown) => boolean
  readonly problem: string
}

const isString = (value: unknown): boolean => typeof value === 'string'

const rules: readonly Rule[] = [
  {
    key: metaKeys.protocolVersion,
    isSound: isString,
    problem: 'must be a string',
  },
  {
    key: metaKeys.clientCapabilities,
    isSound: isRecord,
    problem: 'must be an object',
  },
  {
    key: metaKeys.logLevel,
    isSound: (value) => logLevels.has(value),
    problem: 'must be one of the levels of syslog, like "info"',
  },
  {
    key: metaKeys.clientInfo,
    isSound: (value) => isRecord(value) && isString(value.name) && isString(value.version),
    problem: 'must be an object with the strings "name" and "version"',
  },
  {
    key: 'progressToken',
    isSound: (value) => isString(value) || Number.isInteger(value),
    problem: 'must be a string or an integer',
  },
]
