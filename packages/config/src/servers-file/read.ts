import { asBackendName, reasonOf, type Backend, type BackendName } from '@mcp-router/core'
import { isAbsolute, relative, resolve } from 'node:path'
import { isMap, isNode, isScalar } from 'yaml'
import { ConfigError, problemText, type Problem } from '../config-error.js'
import type { Env } from '../environment.js'
import type { InvalidBackend, ManagedBackend } from '../gateway-config.js'
import { readText } from '../read-text.js'
import { backendFrom } from './backend.js'
import { withoutComments } from './comments.js'
import { parseServersDocument, type Path, type ServersDocument } from './document.js'
import { envFilesIn } from './env-files.js'
import { noNotes, unenforcedText, unusedText, type Notes } from './notes.js'
import { scalarsOf, substitute, type Unset } from './substitute.js'
import { entriesIn, type Entries } from './top.js'
import { translate } from './translate.js'

/**
 * ServersFile is what the file says: the Backends, and those of their Endpoints that the cluster
 * command starts.
 */
export interface ServersFile {
  readonly backends: readonly Backend[]
  readonly managed: readonly ManagedBackend[]
  /** Servers that are left out because something is wrong with them; the others run. */
  readonly invalid: readonly InvalidBackend[]
  /** Servers that are left out because the file says `disabled: true`. */
  readonly disabled: readonly string[]
  /** Absolute paths of the env files that the servers name, also of those that cannot be read. */
  readonly envFiles: readonly string[]
  /** What is in the file and ignored, and the names that are served otherwise, as one sentence; undefined: nothing. */
  readonly unused: string | undefined
  /** What of the file keeps tools from the user of another program, and not here, as one sentence; undefined: nothing. */
  readonly unenforced: string | undefined
}

interface Options {
  /** One problem, and nothing is read. */
  readonly strict?: boolean
}

/**
 * readServers reads the Backends from YAML or JSON, also from the files of other MCP programs, variables taken from `env`. A server
 * with a problem is left out. It throws ConfigError with all problems where the file itself is wrong, or `strict`.
 */
export const readServers = (path: string, env: Env, { strict }: Options = {}): ServersFile => {
  const shown = shownPath(path)
  const file = resolve(path)
  const document = parseServersDocument(withoutComments(textOf(path, shown)), shown)
  const problems: Problem[] = []
  const before = entriesIn(document, document.data(), [])
  const unset = substituteAll(document, before, { env, file })
  // This resolves aliases and merge keys; failsafe YAML leaves maps, lists and text.
  const entries = entriesIn(document, document.data(), problems)
  if (problems.length > 0) throw new ConfigError(inOrder(problems))
  const taken = new Map<BackendName, string>()
  const notes = noNotes(entries.unused)
  const read = Object.entries(entries.servers).flatMap(([name, value]) => {
    const source = { document, path: [...entries.path, name], file, name, value }
    return readOne(source, { env, unset, taken, notes }) ?? []
  })
  if (read.length === 0) throw new ConfigError([noServer(document, entries)])
  const wrong = read.filter((each) => each.problems.length > 0)
  if (strict && wrong.length > 0)
    throw new ConfigError(inOrder([...new Set(wrong.flatMap((each) => each.problems))]))
  return {
    backends: read.flatMap(({ backend }) => backend ?? []),
    managed: read.flatMap(({ managed }) => managed),
    invalid: wrong.map((each) => ({
      name: each.name,
      problems: inOrder(each.problems).map(problemText),
    })),
    disabled: read.flatMap(({ isOff, name }) => (isOff ? [name] : [])),
    envFiles: Object.values(entries.servers).flatMap((value) => envFilesIn(file, value)),
    unused: unusedText(shown, notes),
    unenforced: unenforcedText(shown, notes),
  }
}

/** An empty table is a slip: taken at its word, it would end every session of a running cluster. */
const noServer = (document: ServersDocument, { path }: Entries): Problem => {
  const advice = 'write names with their url or command below it'
  return document.problemAtKey(path, `there is no server in "${path.join('.')}"`, advice)
}

/** Variables are replaced in the servers, and in the anchors that they may refer to. */
const substituteAll = (
  document: ServersDocument,
  { path, servers }: Entries,
  around: { readonly env: Env; readonly file: string },
): readonly Unset[] => {
  const { contents } = document.root
  const anchors = (isMap(contents) ? contents.items : []).flatMap(({ key, value }) =>
    isScalar(key) && String(key.value).startsWith('x-') ? substitute(document, value, around) : [],
  )
  const own = Object.keys(servers).flatMap((name) =>
    substitute(document, document.root.getIn([...path, name], true), around),
  )
  return [...anchors, ...own]
}

interface Source {
  readonly document: ServersDocument
  readonly path: Path
  readonly file: string
  readonly name: string
  readonly value: unknown
}

interface Reading {
  readonly env: Env
  readonly unset: readonly Unset[]
  /** Names that are served already, as the file has them. */
  readonly taken: Map<BackendName, string>
  readonly notes: Notes
}

interface ReadOne {
  readonly name: string
  /** The file says `disabled: true`. */
  readonly isOff: boolean
  readonly backend: Backend | undefined
  readonly managed: readonly ManagedBackend[]
  readonly problems: readonly Problem[]
}

/** readOne reads an entry; undefined: it is no server, but a part of the program that wrote the file. */
const readOne = (source: Source, { env, unset, taken, notes }: Reading): ReadOne | undefined => {
  const { document, path, name: given } = source
  const { value, unused, unenforced, unset: wanted } = translate(source.value, env)
  if (value === undefined) {
    notes.unused.push(given)
    return undefined
  }
  const nothing = { name: given, isOff: false, backend: undefined, managed: [], problems: [] }
  const name = asBackendName(given) ?? slugOf(given)
  const outcome = backendFrom({ ...source, name: name ?? given, value })
  if ('backend' in outcome && outcome.backend === undefined)
    return { ...nothing, name: name ?? given, isOff: true }
  const missing = wanted.map((variable) =>
    document.problemAt(
      [...path, 'env_keys'],
      `the environment variable ${variable} is not set`,
      'set it',
    ),
  )
  const problems = [...ofEntry(source, unset, value), ...missing]
  // What else is wrong on the line of an unset variable (`${HOST}/mcp` is no URL) is most likely its consequence.
  const others = 'problems' in outcome ? outcome.problems : []
  problems.push(...others.filter(({ line }) => problems.every((each) => each.line !== line)))
  const first = name && taken.get(name)
  if (first !== undefined) {
    const reason = `"${given}" and "${first}" would both be served as "${name}"`
    problems.push(document.problemAtKey(path, reason, 'rename one'))
  }
  if (name) taken.set(name, given)
  if (problems.length > 0 || 'problems' in outcome)
    return { ...nothing, name: name ?? given, problems }
  if (name !== given) notes.renamed.push(`"${given}" is served as "${name}"`)
  notes.unused.push(...unused.map((key) => `${given}.${key}`))
  notes.unenforced.push(...unenforced.map((key) => `${given}.${key}`))
  return { ...nothing, ...outcome, name: outcome.backend?.name ?? given, problems }
}

/** A reference concerns an entry where it is in what the entry comes to: not if nothing reads its key, or another value stands above it. */
const ofEntry = (
  { document, path }: Source,
  unset: readonly Unset[],
  value: unknown,
): readonly Problem[] => {
  if (unset.length === 0) return []
  const entry = document.root.getIn(path, true)
  // What came in by an alias of the whole table has no node here: any reference may be its own.
  const scalars = isNode(entry) ? scalarsOf(document, entry) : undefined
  const text = JSON.stringify(value)
  return unset
    .filter(
      ({ match, node }) =>
        (scalars?.has(node) ?? true) && text.includes(JSON.stringify(match).slice(1, -1)),
    )
    .map(({ problem }) => problem)
}

/** slugOf makes a name that stands in a path of one that people chose; undefined: nothing is left of it. */
const slugOf = (name: string): BackendName | undefined =>
  asBackendName(
    name
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|[-._]+$/g, '')
      .slice(0, 64),
  )

const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))

const shownPath = (path: string): string => {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') || isAbsolute(near) ? path : near
}

const textOf = (path: string, file: string): string => {
  try {
    return readText(path)
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = missing ? 'there is no such file' : `it cannot be read: ${reasonOf(error)}`
    const advice = missing ? '`mcp-router init` makes one;' : 'correct that,'
    throw new ConfigError([{ file, reason, advice: `${advice} or set MCP_SERVERS_FILE` }])
  }
}
