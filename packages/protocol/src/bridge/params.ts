import { SpelledNumber } from '../exact-json.js'
import { isRecord } from '../modern/envelope.js'
import { isSayableNumber } from '../modern/param-check.js'
import type { ParamDeclaration } from '../modern/param-scan.js'
import { encodeHeaderValue } from '../modern/sentinel.js'

/**
 * paramHeaders writes the `Mcp-Param-*` headers that repeat the arguments of a `tools/call`, as a flat list (2026-07-28, Streamable HTTP
 * §Value Encoding). An argument that is null or absent, or that no header can say, has none.
 */
export const paramHeaders = (declarations: readonly ParamDeclaration[], args: unknown): string[] =>
  declarations.flatMap(({ header, path }) => {
    const value = plain(path.reduce(memberOf, args))
    return isSayable(value) ? [header, encodeHeaderValue(String(value))] : []
  })

const memberOf = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined

const plain = (value: unknown): unknown => (value instanceof SpelledNumber ? Number(value) : value)

const isSayable = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && isSayableNumber(value))
