import { isRecord, metaKeys } from '../modern/envelope.js'
import { without } from './json.js'
import type { Json } from './json.js'

const reserved = Object.values(metaKeys)

/** metaOf is the `_meta` of params or of a result; empty where there is none. */
export const metaOf = (value: Json | undefined): Json => (isRecord(value?._meta) ? value._meta : {})

/** foreignMeta is `_meta` but for what the modern era reserves: progressToken, trace context and members that nobody here knows. */
export const foreignMeta = (value: Json | undefined): Json => without(metaOf(value), reserved)

/** withMeta exchanges `_meta`. An empty one is left out. */
export const withMeta = (value: Json, meta: Json): Json => {
  const rest = without(value, ['_meta'])
  return Object.keys(meta).length > 0 ? { ...rest, _meta: meta } : rest
}
