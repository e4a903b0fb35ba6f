import { isRecord } from '../modern/envelope.js'
import type { Json } from './json.js'
import { without } from './json.js'

/** wrapsOutput says whether a tool's `outputSchema` has a root that revisions before 2026-07-28 do not allow: anything but an object. */
export const wrapsOutput = ({ outputSchema }: Json): boolean =>
  isRecord(outputSchema) && outputSchema.type !== 'object'

/**
 * wrappedSchema makes any output schema the one member, `result`, of an object. References from the root of the document are written
 * anew, unless the schema has a root of its own (`$id`).
 */
export const wrappedSchema = (schema: Json): Json => {
  const { $schema } = schema
  const dialect = $schema === undefined ? {} : { $schema }
  const inner = hasOwnBase(schema) ? schema : rebased(without(schema, ['$schema']), 0)
  return { ...dialect, type: 'object', properties: { result: inner }, required: ['result'] }
}

/** Deeper than any schema of a tool; one made to exhaust the stack keeps its references. */
const maxDepth = 256

const rebased = (node: unknown, depth: number): unknown => {
  if (depth > maxDepth) return node
  if (Array.isArray(node)) return node.map((each) => rebased(each, depth + 1))
  if (!isRecord(node) || hasOwnBase(node)) return node
  return mapped(node, (value, key) => {
    if (values.has(key)) return value
    if (references.has(key)) return rebasedPointer(value)
    if (maps.has(key) && isRecord(value)) {
      return mapped(value, (child) => rebased(child, depth + 1))
    }
    return rebased(value, depth + 1)
  })
}

const mapped = (node: Json, change: (value: unknown, key: string) => unknown): Json =>
  Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value, key)]))

/** Pointers have a `/`; a `#name` finds its anchor wherever that stands. */
const rebasedPointer = (reference: unknown): unknown =>
  typeof reference === 'string' && /^#(\/|$)/.test(reference)
    ? `#/properties/result${reference.slice(1)}`
    : reference

/** A fragment alone is an anchor in drafts 6 and 7, no base. */
const hasOwnBase = ({ $id }: Json): boolean => typeof $id === 'string' && !$id.startsWith('#')

const references: ReadonlySet<string> = new Set(['$ref', '$dynamicRef'])

/** Keywords whose value is data, where a `$ref` refers to nothing. */
const values: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])

/** Keywords whose value is schemas by names, which may be those of keywords. */
const maps: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
])
