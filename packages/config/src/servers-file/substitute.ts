import { isMap, isScalar, isSeq, type Scalar } from 'yaml'
import type { Problem } from '../config-error.js'
import type { Env } from '../environment.js'
import type { ServersDocument } from './document.js'

// ${NAME}, ${NAME:-default}; $${ stands for a plain ${; anything else after ${ is a mistake worth
// telling.
const reference = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g

/**
 * substitute replaces `${VAR}` and `${VAR:-default}` in all values of the document, in place, and
 * tells what it could not replace. What is disabled is left alone, so that a Backend can be
 * switched off for want of its token.
 */
export const substitute = (document: ServersDocument, env: Env): readonly Problem[] =>
  below(document, document.root.contents, env)

// Aliases are not followed: their anchor stands somewhere above, and is replaced there.
const below = (document: ServersDocument, node: unknown, env: Env): readonly Problem[] => {
  if (isMap(node)) {
    if (node.get('disabled') === 'true') return []
    return node.items.flatMap(({ value }) => below(document, value, env))
  }
  if (isSeq(node)) return node.items.flatMap((item) => below(document, item, env))
  if (isScalar(node) && typeof node.value === 'string') return inScalar(document, node, env)
  return []
}

const inScalar = (document: ServersDocument, node: Scalar, env: Env): readonly Problem[] => {
  const text = String(node.value)
  const problems: Problem[] = []
  const start = node.range?.[0] ?? 0
  const source = node.source ?? text
  node.value = text.replace(reference, (match: string, name?: string, fallback?: string) => {
    if (match === '$${') return '${'
    // Where the scalar is quoted or folded, the offset in it is only near.
    const quote = node.type?.startsWith('QUOTE') === true ? 1 : 0
    const offset = start + quote + Math.max(0, source.indexOf(match))
    if (name === undefined) {
      problems.push(
        document.problemAtOffset(
          offset,
          `"${match}" is not a variable`,
          'write ${NAME} or ${NAME:-default}, or $${ for a plain ${',
        ),
      )
      return match
    }
    const value = env[name]
    // As in a shell: `:-` also stands in for an empty value.
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value !== undefined) return value
    problems.push(
      document.problemAtOffset(
        offset,
        `the environment variable ${name} is not set`,
        `set it, or give a default: \${${name}:-value}`,
      ),
    )
    return match
  })
  return problems
}
