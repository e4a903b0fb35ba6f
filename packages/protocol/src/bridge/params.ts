import { isRecord } from '../modern/envelope.js'
import type { ParamDeclaration } from '../modern/param-scan.js'
import { encodeHeaderValue } from '../modern/sentinel.js'

/**
 * paramHeaders writes the `Mcp-Param-*` headers that repeat the arguments of a `tools/call`, as a flat list (2026-07-28, Streamable HTTP
 * §Value Encoding). An argument that is null or absent, or that no header can say, has none.
 */
export const paramHeaders = (declarations: readonly ParamDeclaration[], args: unknown): string[] =>
  declarations.flatMap(({ header, path }) => {
    const value = path.reduce(memberOf, args)
    return isSayable(value) ? [header, encodeHeaderValue(String(value))] : []
  })

const memberOf = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined

/** Beyond ±(2^53−1) an integer has lost its digits already: the header would differ from what the body says. */
const isSayable = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value)))
