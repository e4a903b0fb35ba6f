import type { BackendName, Endpoint, EndpointId } from '@mcp-router/core'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Problem } from '../config-error.js'
import type { ManagedBackend } from '../gateway-config.js'
import { readEnvFile } from '../read-env-file.js'
import { loopbackNames } from '../schema.js'
import { splitCommandLine } from './command-line.js'
import { commandEndpointSchema, isOwnHeader, urlEndpointSchema } from './entry-schema.js'
import { withoutCredentials } from '../without-credentials.js'
import type { Path, ServersDocument } from './document.js'
import { envFilePath } from './env-files.js'
import { variablesIn } from './expand.js'
import { problemsOf, unknownKey } from './problems.js'
import { isRecord } from './record.js'
import { runAsFrom } from './run-as.js'

/** EndpointSource is one Endpoint as the file has it, and where. */
export interface EndpointSource {
  readonly document: ServersDocument
  readonly path: Path
  /** Absolute path of the servers file. */
  readonly file: string
  readonly backend: BackendName
  /** Its place among the Endpoints of the Backend, from 1. */
  readonly position: number
  readonly value: unknown
  /** Keys of the Backend that may stand beside those of a single Endpoint. */
  readonly keysBeside: readonly string[]
}

/**
 * EndpointOutcome is the Endpoint, and how to start it where the file says so, or what is wrong
 * with it.
 */
export type EndpointOutcome =
  | { readonly endpoint: Endpoint; readonly managed?: ManagedBackend }
  | { readonly problems: readonly Problem[] }

/** endpointFrom reads one Endpoint; `url` or `command` decides of which kind it is. */
export const endpointFrom = (source: EndpointSource): EndpointOutcome => {
  const { value } = source
  if (!isRecord(value)) {
    const reason = `endpoints[${source.position - 1}] must be a map`
    return refused(source, [], reason, isUrl(value) ? 'write - { url: http://… }' : giveAddress)
  }
  if ('url' in value && 'command' in value)
    return refused(source, ['command'], 'has both a url and a command', 'keep one of them')
  if ('url' in value) return urlEndpoint(source, value)
  if ('command' in value) return commandEndpoint(source, value)
  return noAddress(source, value)
}

// A misspelt `url` is the likeliest cause, and is told as that.
const noAddress = (
  source: EndpointSource,
  value: Readonly<Record<string, unknown>>,
): EndpointOutcome => {
  const known = [...new Set([...urlKeys, ...commandKeys, ...source.keysBeside])]
  const problems = Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => unknownKey(source.document, source.path, key, { known }))
  if (problems.length > 0) return { problems }
  return refused(source, [], 'has no endpoint', giveAddress)
}

/** giveAddress is what to do about a server, or an Endpoint, that names none. */
export const giveAddress = 'give it a url or a command'

/** isUrl tells of a value that its key was forgotten. */
export const isUrl = (value: unknown): boolean =>
  typeof value === 'string' && /^https?:/.test(value)

const urlKeys = Object.keys(urlEndpointSchema.shape)
const commandKeys = Object.keys(commandEndpointSchema.shape)
const only = (keys: readonly string[], kind: string): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key, `only an endpoint with a ${kind} has "${key}"`]))
const onlyCommand = only(
  commandKeys.filter((key) => !urlKeys.includes(key)),
  'command',
)
const onlyUrl = only(
  urlKeys.filter((key) => !commandKeys.includes(key)),
  'url',
)

const urlEndpoint = (source: EndpointSource, value: unknown): EndpointOutcome => {
  const { document, path } = source
  const parsed = urlEndpointSchema.safeParse(value)
  if (!parsed.success) {
    const keys = { known: [...urlKeys, ...source.keysBeside], elsewhere: onlyCommand }
    return { problems: problemsOf(document, path, parsed.error, keys) }
  }
  const { url: text, transport, type, weight, headers, start, env, user } = parsed.data
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return refused(
      source,
      ['url'],
      `"${withoutQuery(withoutCredentials(text))}" is not a URL`,
      `${correctVariables(document.sourceAt([...path, 'url']))}write http://host:port/path`,
    )
  if (url.port === '0')
    return refused(source, ['url'], 'nothing listens on port 0', 'write http://host:port/path')
  const kind = transport ?? type ?? 'http'
  if (kind === 'stdio')
    return refused(source, ['url'], 'stdio takes a command, not a url', 'use http or sse')
  const wrong = Object.entries(headers).find(([name, held]) => !isHeader(name, held))
  if (wrong !== undefined)
    return refused(source, ['headers', wrong[0]], 'not a valid HTTP header', 'correct it')
  const own = Object.keys(headers).find(isOwnHeader)
  if (own !== undefined)
    return refused(
      source,
      ['headers', own],
      `the router writes the header "${own}" itself`,
      'remove it',
    )
  const credentials = credentialsOf(url)
  if (credentials === undefined)
    return refused(
      source,
      ['url'],
      'user or password of its url cannot be decoded',
      `${correctVariables(document.sourceAt([...path, 'url']))}write "%" in them as "%25"`,
    )
  const allHeaders = { ...credentials, ...lowerCased(headers) }
  url.username = url.password = url.hash = ''
  const id = idOf(source)
  const isAuto = (transport ?? type) === undefined
  const endpoint: Endpoint = {
    transport: kind,
    id,
    url: url.href,
    weight,
    headers: allHeaders,
    ...(isAuto && { isAuto }),
  }
  if (start !== undefined) return managedEndpoint(source, endpoint, url, { start, env, user })
  const unused = Object.keys(env).length > 0 ? 'env' : user === undefined ? undefined : 'user'
  if (unused === undefined) return { endpoint }
  return refused(source, [unused], `only a command or "start" has "${unused}"`, 'remove it')
}

/** Started is what an Endpoint with a URL says of the process behind it. */
interface Started {
  readonly start: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string | undefined
}

const managedEndpoint = (
  source: EndpointSource,
  endpoint: Endpoint,
  url: URL,
  { start, env, user }: Started,
): EndpointOutcome => {
  if (!loopbackNames.includes(url.hostname))
    return refused(source, ['start'], 'only a server on this machine can be started', 'remove it')
  const line = splitCommandLine(start)
  if ('reason' in line)
    return refused(source, ['start'], line.reason, 'quote it, or start a script that does it')
  const [command = '', ...args] = line.words
  if (command === '')
    return refused(source, ['start'], 'the command line is empty', 'fill it in or remove it')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const { backend, file } = source
  const whom = runAsFrom(user)
  if ('reason' in whom) return refused(source, ['user'], whom.reason, whom.advice)
  const place = { url: url.href, port, cwd: dirname(file) }
  return { endpoint, managed: { backend, command, args, env, ...place, ...whom } }
}

const commandEndpoint = (source: EndpointSource, value: unknown): EndpointOutcome => {
  const { document, path, file } = source
  const parsed = commandEndpointSchema.safeParse(value)
  if (!parsed.success) {
    const keys = { known: [...commandKeys, ...source.keysBeside], elsewhere: onlyUrl }
    return { problems: problemsOf(document, path, parsed.error, keys) }
  }
  const { command, args, cwd, envFile, user, weight, transport, type } = parsed.data
  const kind = transport ?? type ?? 'stdio'
  if (kind !== 'stdio')
    return refused(source, ['command'], `${kind} takes a url, not a command`, 'use stdio')
  const id = idOf(source)
  // Relative paths mean the same wherever the router was started from.
  const place = { cwd: resolve(dirname(file), cwd ?? '') }
  if (/\s/.test(command) && !existsSync(resolve(place.cwd, command))) {
    const reason = 'the command holds a blank, and there is no such file'
    return refused(source, ['command'], reason, splitAdvice(command))
  }
  const whom = runAsFrom(user)
  if ('reason' in whom) return refused(source, ['user'], whom.reason, whom.advice)
  const own = envFile === undefined ? { variables: {} } : readEnvFile(envFilePath(file, envFile))
  if ('reason' in own) return refused(source, ['envFile'], own.reason, own.advice)
  const env = { ...own.variables, ...parsed.data.env }
  return { endpoint: { transport: 'stdio', id, command, args, env, weight, ...place, ...whom } }
}

/** Any argument may be a secret, save the name of an option. */
const splitAdvice = (line: string): string => {
  const [command = '', first, ...others] = line.trim().split(/\s+/)
  if (first === undefined) return `write command: ${command}`
  const isOption = /^--?[\w-]+$/.test(first)
  const args = isOption ? [first, ...(others.length > 0 ? ['…'] : [])] : ['…']
  return `put its arguments under "args": command: ${command}, args: [${args.join(', ')}]`
}

/** EndpointId as core describes it. */
const idOf = ({ backend, position }: EndpointSource): EndpointId =>
  `${backend}#${position}` as EndpointId

const refused = (
  { document, path, backend }: EndpointSource,
  below: Path,
  reason: string,
  advice: string,
): EndpointOutcome => ({
  problems: [document.problemAt([...path, ...below], `server "${backend}": ${reason}`, advice)],
})

/** Who set a variable looks for its name. */
const correctVariables = (written = ''): string => {
  const names = variablesIn(written)
  return names.length > 0 ? `correct ${names.join(' or ')}, or ` : ''
}

/** What stands behind the `?` is often a key, and problems are logged. */
const withoutQuery = (text: string): string => text.replace(/\?.*$/s, '?…')

const isHeader = (name: string, value: string): boolean =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

// User and password leave the URL, because the URL appears in logs and listings. Undefined: a "%" in them stands for no character.
const credentialsOf = ({ username, password }: URL): Record<string, string> | undefined => {
  if (username === '' && password === '') return {}
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  } catch {
    return undefined
  }
}
