import { isMap, isScalar, isSeq, visit, type Node, type Scalar } from 'yaml'
import type { Problem } from '../config-error.js'
import type { Env } from '../environment.js'
import { quoted } from '../without-credentials.js'
import type { ServersDocument } from './document.js'
import { expand, type Failure } from './expand.js'

/** Unset is a reference that could not be replaced and stands in the document as it was. */
export interface Unset {
  readonly match: string
  /** Where it stands. */
  readonly node: Scalar
  readonly problem: Problem
}

interface Around {
  readonly env: Env
  /** Absolute path of the servers file. */
  readonly file: string
}

/**
 * substitute replaces the references to variables in all values below a node, in place, and returns
 * those that it could not replace. Whether one of them matters is decided where the value is read.
 */
export const substitute = (
  document: ServersDocument,
  node: unknown,
  around: Around,
): readonly Unset[] => {
  if (isMap(node)) return node.items.flatMap(({ value }) => substitute(document, value, around))
  // Aliases are not followed: their anchor stands somewhere else, and is replaced there.
  if (isSeq(node)) return node.items.flatMap((item) => substitute(document, item, around))
  if (isScalar(node) && typeof node.value === 'string') return inScalar(document, node, around)
  return []
}

/** scalarsOf are the scalars below a node, aliases and merge keys followed. */
export const scalarsOf = (
  { root }: Pick<ServersDocument, 'root'>,
  top: Node,
): ReadonlySet<Node> => {
  const found = new Set<Node>()
  const collect = (node: Node): void => {
    if (found.has(node)) return
    found.add(node)
    visit(node, {
      Scalar: (_key, scalar) => void found.add(scalar),
      Alias(_key, alias) {
        const target = alias.resolve(root)
        if (target !== undefined) collect(target)
      },
    })
  }
  collect(top)
  return found
}

const inScalar = (document: ServersDocument, node: Scalar, around: Around): readonly Unset[] => {
  const text = String(node.value)
  const start = node.range?.[0] ?? 0
  const source = node.source ?? text
  // Where the scalar is quoted or folded, the offset in it is only near.
  const quote = node.type?.startsWith('QUOTE') === true ? 1 : 0
  const { text: expanded, failures } = expand(text, around)
  node.value = expanded
  return failures.map((failure) => {
    const { match } = failure
    const offset = start + quote + Math.max(0, source.indexOf(match))
    return { match, node, problem: document.problemAtOffset(offset, ...problemOf(failure)) }
  })
}

const problemOf = ({ match, name, input, isOpen }: Failure): [reason: string, advice: string] => {
  // What follows may be the rest of a URL with a key in it.
  const begun = /^\$\{((env|input):)?\w*/.exec(match)?.[0]
  if (isOpen === true)
    return [
      `the reference that begins with "${begun}" is not closed`,
      'add its "}", or write $${ for a plain ${',
    ]
  if (name === undefined)
    return [
      `${quoted(match)} is not a variable`,
      'write ${NAME} or ${NAME:-default}, or $${ for a plain ${',
    ]
  return [
    `the environment variable ${name}${inputNote(input)} is not set`,
    `set it, or give a default: \${${name}:-value}`,
  ]
}

const inputNote = (input: string | undefined): string =>
  input === undefined ? '' : `, which stands for the input ${quoted(input)},`
