import { isDeepStrictEqual } from 'node:util'
import { asBackendName, type Backend, type BackendName, type Endpoint } from '@mcp-router/core'
import type { Problem } from '../config-error.js'
import type { ManagedBackend } from '../gateway-config.js'
import { commandEndpointSchema, serverSchema, urlEndpointSchema } from './entry-schema.js'
import type { Path, ServersDocument } from './document.js'
import { endpointFrom, giveAddress, isUrl } from './endpoint.js'
import { problemsOf } from './problems.js'
import { isRecord } from './record.js'

/** BackendSource is one entry below `servers`, and where. */
export interface BackendSource {
  readonly document: ServersDocument
  readonly path: Path
  /** Absolute path of the servers file. */
  readonly file: string
  readonly name: string
  readonly value: unknown
}

/** BackendOutcome is the Backend (none, when it is disabled), or what is wrong with it. */
export type BackendOutcome =
  | { readonly backend: Backend | undefined; readonly managed: readonly ManagedBackend[] }
  | { readonly problems: readonly Problem[] }

/**
 * backendFrom reads one Backend: a list of `endpoints`, or the keys of a single one beside its own.
 */
export const backendFrom = (source: BackendSource): BackendOutcome => {
  const { document, path, value } = source
  const name = asBackendName(source.name)
  if (name === undefined) {
    const advice = 'use letters, digits, ".", "_" and "-", at most 64, a letter or digit first'
    const reason = `"${source.name}" cannot name a server`
    return { problems: [document.problemAtKey(path, reason, advice)] }
  }
  if (!isRecord(value)) {
    const kind = kindIn(value)
    const reason = `server "${name}" ${kind === undefined ? 'has no endpoint' : `must be a map, not ${kind}`}`
    const advice = isUrl(value) ? `write ${name}: { url: http://… }` : giveAddress
    return { problems: [document.problemAtKey(path, reason, advice)] }
  }
  // What is disabled may be unfinished.
  if (value['disabled'] === 'true') return { backend: undefined, managed: [] }
  return enabledBackend(source, name, value)
}

/** kindIn is what stands where a map belongs; undefined: nothing. */
const kindIn = (value: unknown): string | undefined => {
  if (value === undefined || value === null || value === '') return undefined
  return Array.isArray(value) ? 'a list' : 'text'
}

const serverKeys = Object.keys(serverSchema.shape)
const inEndpoint = Object.fromEntries(
  Object.keys({ ...urlEndpointSchema.shape, ...commandEndpointSchema.shape }).map((key) => [
    key,
    `"${key}" belongs into the entries of "endpoints"`,
  ]),
)

const enabledBackend = (
  source: BackendSource,
  name: BackendName,
  value: Readonly<Record<string, unknown>>,
): BackendOutcome => {
  const { document, path, file } = source
  const isList = 'endpoints' in value
  const own = isList ? value : pick(value, (key) => serverKeys.includes(key))
  const server = serverSchema.safeParse(own)
  const problems: Problem[] = []
  if (!server.success) {
    const keys = { known: serverKeys, elsewhere: inEndpoint }
    problems.push(...problemsOf(document, path, server.error, keys))
  }
  const listed = isList ? value['endpoints'] : [pick(value, (key) => !serverKeys.includes(key))]
  const outcomes = (Array.isArray(listed) ? listed : []).map((each: unknown, index) =>
    endpointFrom({
      document,
      path: isList ? [...path, 'endpoints', index] : path,
      file,
      backend: name,
      position: index + 1,
      value: each,
      keysBeside: isList ? [] : serverKeys,
    }),
  )
  problems.push(...outcomes.flatMap((each) => ('problems' in each ? each.problems : [])))
  const read = outcomes.flatMap((each) => ('problems' in each ? [] : [each]))
  const endpoints = read.map(({ endpoint }) => endpoint)
  if (problems.length === 0) problems.push(...repeated(endpoints, document, path, name))
  if (problems.length > 0 || !server.success) return { problems }
  return {
    backend: {
      name,
      endpoints,
      deadlineMs: Math.round(server.data.deadline * 1000),
      era: server.data.era,
      retry: server.data.retry,
    },
    managed: read.flatMap(({ managed }) => managed ?? []),
  }
}

const repeated = (
  endpoints: readonly Endpoint[],
  document: ServersDocument,
  path: Path,
  name: BackendName,
): readonly Problem[] =>
  endpoints.flatMap((endpoint, index) => {
    const first = endpoints.findIndex((each) => isSame(each, endpoint))
    // The same command twice is two processes.
    if (first === index || endpoint.transport === 'stdio') return []
    const at = [...path, 'endpoints', index, 'url']
    const reason = `server "${name}": endpoints ${first + 1} and ${index + 1} are the same`
    return [document.problemAt(at, reason, 'keep one and give it a weight')]
  })

const isSame = (one: Endpoint, other: Endpoint): boolean => {
  const any = { id: '', weight: 0, isAuto: undefined }
  return isDeepStrictEqual({ ...one, ...any }, { ...other, ...any })
}

const pick = (
  value: Readonly<Record<string, unknown>>,
  wanted: (key: string) => boolean,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).filter(([key]) => wanted(key)))
