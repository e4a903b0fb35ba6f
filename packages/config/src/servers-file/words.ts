import { nearest } from './nearest.js'

/** synonyms are the words of other MCP programs, each with that of this router. */
export const synonyms: ReadonlyMap<string, string> = new Map(
  Object.entries({
    httpUrl: 'url',
    serverUrl: 'url',
    uri: 'url',
    cmd: 'command',
    envs: 'env',
    environment: 'env',
    http_headers: 'headers',
  }),
)

/** What means the opposite, or more than one word: it is read on its own, and named as it is. */
const others: ReadonlyMap<string, string> = new Map(
  Object.entries({ enabled: 'disabled', env_keys: 'env' }),
)

/** What people write from memory, in lower case and without `_` and `-`; none of the common programs has it. */
const fromMemory: ReadonlyMap<string, string> = new Map(
  Object.entries({
    argument: 'args',
    arguments: 'args',
    workingdirectory: 'cwd',
    workingdir: 'cwd',
    workdir: 'cwd',
    environmentvariables: 'env',
    token: 'headers',
    bearertoken: 'headers',
  }),
)

/** meantBy is the key that was most likely meant by one that is none of these; undefined: it is not near to any. */
export const meantBy = (key: string, known: readonly string[]): string | undefined => {
  const remembered = fromMemory.get(key.toLowerCase().replace(/[-_]/g, ''))
  if (remembered !== undefined && known.includes(remembered)) return remembered
  const words = [...synonyms, ...others].flatMap(([word, own]) =>
    known.includes(own) ? [word] : [],
  )
  const near = nearest(key, [...known, ...words])
  return near === undefined ? undefined : (synonyms.get(near) ?? near)
}
