import { trimOws } from './sentinel.js'

/**
 * HeaderValues gives every value of a header field, one per field line, as they came; empty where there is none. The name is
 * case-insensitive. Node's `request.headers` cannot be its source: it joins repeated lines to `a, b`, which is also a fine tool name.
 */
export type HeaderValues = (name: string) => readonly string[]

/** HeaderReading is a field that must stand once: two lines let two readers see two values. */
export type HeaderReading =
  | { readonly state: 'absent' }
  | { readonly state: 'repeated' }
  | { readonly state: 'single'; readonly value: string }

/** headerValuesOf reads a flat list of names and values, such as node's `request.rawHeaders`. */
export const headerValuesOf =
  (rawHeaders: readonly string[]): HeaderValues =>
  (name) => {
    const wanted = name.toLowerCase()
    return rawHeaders.filter(
      (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted,
    )
  }

/** readHeader takes the one value of a field, without its optional whitespace. */
export const readHeader = (headers: HeaderValues, name: string): HeaderReading => {
  const values = headers(name)
  const [value] = values
  if (value === undefined) return { state: 'absent' }
  if (values.length > 1) return { state: 'repeated' }
  return { state: 'single', value: trimOws(value) }
}
