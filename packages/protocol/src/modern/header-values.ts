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

const none: readonly string[] = []

/** headerValuesOf reads a flat list of names and values, such as node's `request.rawHeaders`. */
export const headerValuesOf =
  (rawHeaders: readonly string[]): HeaderValues =>
  (name) => {
    // A plain loop that looks at the length first: this runs several times for every modern request.
    const wanted = name.toLowerCase()
    let values: string[] | undefined
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const field = rawHeaders[at]
      if (field?.length !== wanted.length || field.toLowerCase() !== wanted) continue
      const value = rawHeaders[at + 1] ?? ''
      if (values) values.push(value)
      else values = [value]
    }
    return values ?? none
  }

/** readHeader takes the one value of a field, without its optional whitespace. */
export const readHeader = (headers: HeaderValues, name: string): HeaderReading => {
  const values = headers(name)
  const [value] = values
  if (value === undefined) return { state: 'absent' }
  if (values.length > 1) return { state: 'repeated' }
  return { state: 'single', value: trimOws(value) }
}
