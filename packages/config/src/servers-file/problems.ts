import type { z } from 'zod'
import type { Problem } from '../config-error.js'
import type { Path, ServersDocument } from './document.js'
import { meantBy } from './words.js'

const nameOf = (path: Path): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${key}` : key),
    '',
  )

/**
 * Keys are what may stand at a place, and what stands only in the other kind of Endpoint, with a
 * word about it.
 */
export interface Keys {
  readonly known: readonly string[]
  readonly elsewhere?: Readonly<Record<string, string>>
}

/** problemsOf tells zod's issues in the words of the file, each at its place. */
export const problemsOf = (
  document: ServersDocument,
  at: Path,
  error: z.ZodError,
  keys: Keys,
): readonly Problem[] =>
  error.issues.flatMap((issue): readonly Problem[] => {
    const path = [...at, ...issue.path.filter((key) => typeof key !== 'symbol')]
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownKey(document, path, key, keys))
    const wanted = issue.code === 'invalid_type' ? `must be ${kindOf(issue.expected)}` : undefined
    const reason = `${nameOf(path)}: ${wanted ?? issue.message}`
    return [document.problemAt(path, reason, 'correct it or leave it out')]
  })

/** unknownKey is the Problem with a key that nothing reads. */
export const unknownKey = (
  document: ServersDocument,
  at: Path,
  key: string,
  keys: Keys,
): Problem => {
  const path = [...at, key]
  const elsewhere = keys.elsewhere?.[key]
  if (elsewhere !== undefined)
    return document.problemAtKey(path, `${nameOf(path)}: ${elsewhere}`, 'remove it')
  const meant = meantBy(key, keys.known)
  const advice =
    meant === undefined ? `known are ${keys.known.join(', ')}` : `did you mean "${meant}"?`
  return document.problemAtKey(path, `${nameOf(path)}: unknown key "${key}"`, advice)
}

const kindOf = (expected: string): string => {
  if (expected === 'array') return 'a list'
  if (expected === 'object' || expected === 'record') return 'a map of names to values'
  return 'text'
}
