/** Json is a JSON object as it was parsed: what a transform does not know, it passes on. */
export type Json = Readonly<Record<string, unknown>>

/** without copies an object but for some members. */
export const without = (value: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
