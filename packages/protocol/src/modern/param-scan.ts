import { isRecord } from './envelope.js'

/** ParamDeclaration is one `x-mcp-header` of a tool: the argument at `path` is repeated in the header. */
export interface ParamDeclaration {
  readonly path: readonly string[]
  /** The whole name, `Mcp-Param-Region`. */
  readonly header: string
  readonly type: string
}

/** ParamScan is what the schema of a tool declares. */
export interface ParamScan {
  /** What a server must check. Empty where a fault leaves nothing to go by. */
  readonly declarations: readonly ParamDeclaration[]
  /** Set: the definition is invalid, and an HTTP client must drop the tool. */
  readonly fault?: string
}

/**
 * scanParamHeaders finds the `x-mcp-header` members of a tool's `inputSchema` and checks their rules (2026-07-28, Streamable HTTP §Schema
 * Extension). An annotation of a `number` is a fault for clients, and yet checked by servers, as in the official SDK.
 */
export const scanParamHeaders = (schema: unknown): ParamScan => {
  const found = annotationsOf(schema, [], true)
  const fault = found.map(faultOf).find((each) => each !== undefined) ?? repetition(found)
  if (fault !== undefined) return { declarations: [], fault }
  const declarations = found.map(declared)
  const number = declarations.find(({ type }) => type === 'number')
  return number
    ? { declarations, fault: `${number.path.join('.')}: the type is number` }
    : { declarations }
}

interface Annotation {
  readonly path: readonly string[]
  /** Reached from the root through `properties` and nothing else. */
  readonly reachable: boolean
  readonly name: unknown
  readonly type: unknown
}

/** No schema of a tool is as deep; one made to exhaust the stack is. */
const maxDepth = 64

const annotationsOf = (
  node: unknown,
  path: readonly string[],
  reachable: boolean,
): readonly Annotation[] => {
  if (!isRecord(node) || path.length > maxDepth) return []
  const own = Object.hasOwn(node, annotation)
    ? [{ path, reachable: reachable && path.length > 0, name: node[annotation], type: node.type }]
    : []
  const properties = Object.entries(isRecord(node.properties) ? node.properties : {})
  return [
    ...own,
    ...properties.flatMap(([key, child]) => annotationsOf(child, [...path, key], reachable)),
    ...elsewhere.flatMap((keyword) =>
      branchesOf(node[keyword], keyword).flatMap((branch) =>
        annotationsOf(branch, [...path, `<${keyword}>`], false),
      ),
    ),
  ]
}

const branchesOf = (value: unknown, keyword: string): readonly unknown[] => {
  if (Array.isArray(value)) return value
  return isRecord(value) && named.has(keyword) ? Object.values(value) : [value]
}

const faultOf = ({ path, reachable, name, type }: Annotation): string | undefined => {
  const where = path.join('.') || 'the root'
  if (!reachable) return `${where}: not reachable through properties alone`
  if (typeof name !== 'string' || !token.test(name)) return `${where}: the name is not a token`
  return isDeclarable(type) ? undefined : `${where}: the type is no string, integer or boolean`
}

const repetition = (found: readonly Annotation[]): string | undefined => {
  const seen = new Set<string>()
  const names = found.map(({ name }) => String(name).toLowerCase())
  const again = names.find((name) => seen.size === seen.add(name).size)
  return again === undefined ? undefined : `the name ${again} is declared twice`
}

const declared = ({ path, name, type }: Annotation): ParamDeclaration => ({
  path,
  header: `Mcp-Param-${String(name)}`,
  type: String(type),
})

/** Numbers come later: they spoil the definition, not the declarations. */
const isDeclarable = (type: unknown): boolean =>
  type === 'string' || type === 'integer' || type === 'boolean' || type === 'number'

const annotation = 'x-mcp-header'

/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Keywords whose value is a map of schemas by name. */
const named: ReadonlySet<string> = new Set([
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
])

/** Where schemas may stand beside `properties`: an annotation there makes the definition invalid. */
const elsewhere = [
  ...named,
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'contentSchema',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
]
