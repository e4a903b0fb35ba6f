import { SpelledNumber } from '../exact-json.js'
import { isRecord } from './envelope.js'
import { readHeader } from './header-values.js'
import type { HeaderValues } from './header-values.js'
import { scanParamHeaders } from './param-scan.js'
import type { ParamDeclaration } from './param-scan.js'
import { headerMismatch } from './refusal.js'
import type { Refusal } from './refusal.js'
import { decodeHeaderValue } from './sentinel.js'

/**
 * checkParamHeaders holds the `Mcp-Param-*` headers of a `tools/call` against its arguments (2026-07-28, Streamable HTTP §Server Behavior
 * for Custom Headers). Headers that the schema does not declare are nobody's business here.
 */
export const checkParamHeaders = (
  schema: unknown,
  args: unknown,
  headers: HeaderValues,
): Refusal | undefined => checkDeclaredParams(scanParamHeaders(schema).declarations, args, headers)

/** checkDeclaredParams does the same with a schema that was scanned before. */
export const checkDeclaredParams = (
  declarations: readonly ParamDeclaration[],
  args: unknown,
  headers: HeaderValues,
): Refusal | undefined => {
  for (const declaration of declarations) {
    const refusal = checkParam(declaration, valueAt(args, declaration.path), headers)
    if (refusal) return refusal
  }
  return undefined
}

/** isSayableNumber is false of what has no header: an integer beyond ±(2^53−1), whose digits are lost already, and what is no number to JSON. */
export const isSayableNumber = (value: number): boolean =>
  Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))

const checkParam = (
  { header, type }: ParamDeclaration,
  argument: unknown,
  headers: HeaderValues,
): Refusal | undefined => {
  const value = argument instanceof SpelledNumber ? Number(argument) : argument
  const text = textOf(value)
  // Null, absent, or nothing a header can say: none may be expected, and one that came is ignored.
  if (text === undefined) return undefined
  const reading = readHeader(headers, header)
  if (reading.state === 'absent') return headerMismatch(header, 'is missing')
  if (reading.state === 'repeated') return headerMismatch(header, 'was sent more than once')
  const decoded = decodeHeaderValue(reading.value)
  if (decoded === undefined) return headerMismatch(header, 'is badly encoded')
  const isSame =
    isNumeric(type) && typeof value === 'number' && decimal.test(decoded)
      ? Number(decoded) === value
      : decoded === text
  return isSame ? undefined : headerMismatch(header, 'differs from the argument')
}

const valueAt = (args: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    args,
  )

const textOf = (value: unknown): string | undefined => {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return String(value)
    case 'number':
      return isSayableNumber(value) ? String(value) : undefined
    default:
      return undefined
  }
}

const isNumeric = (type: string): boolean => type === 'integer' || type === 'number'

const decimal = /^-?\d+(\.\d+)?$/
