import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { ConfigError, type Problem } from '../config-error.js'

/** Path leads from the top of the file to a value: `['servers', 'weather', 'endpoints', 0]`. */
export type Path = readonly (string | number)[]

/**
 * ServersDocument is the parsed text with the place of everything in it. YAML holds JSON, so one
 * parser reads both.
 */
export interface ServersDocument {
  readonly root: Document.Parsed
  /** What the root holds now, aliases and merge keys resolved. */
  data(): unknown
  /**
   * The Problem at `path`; where nothing is there (a missing key), at the nearest thing around it.
   */
  problemAt(path: Path, reason: string, advice: string): Problem
  /** The Problem with the key that is the last step of `path`, not with its value. */
  problemAtKey(path: Path, reason: string, advice: string): Problem
  /** The text at `path` as the file has it, before variables are replaced; undefined: there is none. */
  sourceAt(path: Path): string | undefined
  /** The Problem at an offset in the text. */
  problemAtOffset(offset: number, reason: string, advice: string): Problem
}

/**
 * parseServersDocument reads every scalar as text: what it means is decided by the schema, not by
 * YAML's guesses.
 */
export const parseServersDocument = (text: string, file: string): ServersDocument => {
  const lines = new LineCounter()
  const deep = depthExceededAt(text)
  if (deep !== undefined) {
    const before = text.slice(0, deep).split('\n')
    const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
    throw new ConfigError([
      { ...place, reason: 'it is nested too deeply', advice: 'write it flatter' },
    ])
  }
  const root = parseDocument(text, {
    schema: 'failsafe',
    merge: true,
    prettyErrors: false,
    lineCounter: lines,
  })
  const problemAtOffset = (offset: number, reason: string, advice: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col, reason, advice }
  }
  const syntaxErrors = root.errors.map(({ code, message, pos: [start] }) =>
    code === 'DUPLICATE_KEY'
      ? problemAtOffset(start, `"${wordAt(text, start)}" is defined twice`, 'rename or remove one')
      : problemAtOffset(
          start,
          `not valid YAML or JSON: ${message}`,
          'correct it there or just before',
        ),
  )
  if (syntaxErrors.length > 0) throw new ConfigError(syntaxErrors)
  const unnamed = unnamedIn(root).map((key) =>
    problemAtOffset(
      offsetOf(key),
      'expected a name, found a list or a map',
      'write the name as text',
    ),
  )
  if (unnamed.length > 0) throw new ConfigError(unnamed)
  const aliases = aliasesIn(root)
  const endless = aliases.find(({ isInside }) => isInside)
  if (endless) {
    const reason = `the anchor "${endless.alias.source}" holds itself`
    const problem = problemAtOffset(offsetOf(endless.alias), reason, 'write out what is meant')
    throw new ConfigError([problem])
  }
  return {
    root,
    data() {
      try {
        return root.toJS({ maxAliasCount }) as unknown
      } catch {
        // The last one stands for the most.
        const at = offsetOf(aliases.at(-1)?.alias)
        const reason = 'so many aliases are more than this file can mean'
        throw new ConfigError([problemAtOffset(at, reason, 'write out what is meant')])
      }
    },
    sourceAt(path) {
      const node = valueAt(root, path)
      return isScalar(node) ? node.source : undefined
    },
    problemAtOffset,
    problemAt: (path, reason, advice) =>
      problemAtOffset(offsetOf(valueAt(root, path)), reason, advice),
    problemAtKey: (path, reason, advice) =>
      problemAtOffset(offsetOf(keyAt(root, path) ?? valueAt(root, path)), reason, advice),
  }
}

/** What is written by people is nested ten deep at most. */
const maxDepth = 100

/** So much may the aliases of a file stand for, those within anchors multiplied. */
const maxAliasCount = 10_000

/** Brackets within texts count, too: those of references are read level by level as well. */
const depthExceededAt = (text: string): number | undefined => {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const each = text[at]
    if (each === '{' || each === '[') depth++
    else if ((each === '}' || each === ']') && depth > 0) depth--
    if (depth > maxDepth) return at
  }
  return undefined
}

/** unnamedIn are the keys that are no text, but a list or a map: YAML has them, and no name comes of one. */
const unnamedIn = (root: Document.Parsed): readonly unknown[] => {
  const found: unknown[] = []
  visit(root, {
    Pair(_at, { key }) {
      if (isCollection(resolved(root, key))) found.push(key)
    },
  })
  return found
}

interface FoundAlias {
  readonly alias: Alias
  /** It stands within what it stands for. */
  readonly isInside: boolean
}

const aliasesIn = (root: Document.Parsed): readonly FoundAlias[] => {
  const found: FoundAlias[] = []
  visit(root, {
    Alias(_key, alias, above) {
      const target = alias.resolve(root)
      found.push({ alias, isInside: target !== undefined && above.includes(target) })
    },
  })
  return found
}

const wordAt = (text: string, offset: number): string =>
  /^["']?([^"':\s]+)/.exec(text.slice(offset))?.[1] ?? ''

const offsetOf = (node: unknown): number => {
  // Everything that parseDocument makes has a range; a hand-made node would not.
  const range = (node as Partial<Node> | null | undefined)?.range
  return range?.[0] ?? 0
}

const resolved = (root: Document.Parsed, node: unknown): unknown =>
  isAlias(node) ? node.resolve(root) : node

const step = (root: Document.Parsed, from: unknown, key: string | number): unknown => {
  const node = resolved(root, from)
  if (isSeq(node)) return node.items[Number(key)]
  return pairOf(node, key)?.value
}

const pairOf = (node: unknown, key: string | number): Pair | undefined => {
  if (!isMap(node)) return undefined
  return node.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === String(key),
  )
}

const valueAt = (root: Document.Parsed, path: Path): unknown => {
  let node: unknown = root.contents
  for (const key of path) {
    const next = step(root, node, key)
    // What came in by a merge key, or is missing, has no node of its own here.
    if (next === undefined || next === null) return keyOrNode(node, key)
    node = next
  }
  return node
}

const keyOrNode = (node: unknown, key: string | number): unknown => pairOf(node, key)?.key ?? node

const keyAt = (root: Document.Parsed, path: Path): unknown => {
  const parent = resolved(root, valueAt(root, path.slice(0, -1)))
  return pairOf(parent, path.at(-1) ?? '')?.key
}
