import type { Env } from '../environment.js'
import { entryKeys } from './entry-schema.js'
import { isRestriction } from './notes.js'
import { isRecord } from './record.js'
import { meantBy, synonyms } from './words.js'

type Json = Readonly<Record<string, unknown>>

/** Translated is one entry in the words of this router. */
export interface Translated {
  /** Undefined: it is a part of the program that wrote the file, and nothing that could be reached. */
  readonly value: unknown
  /** Keys that have a meaning for that program only. */
  readonly unused: readonly string[]
  /** Those that keep tools from the user of that program. */
  readonly unenforced: readonly string[]
  /** Variables that it wants by name, and that are not set. */
  readonly unset: readonly string[]
}

/** What Claude, VS Code, Cursor, Windsurf, Cline, Gemini CLI, opencode, Zed and Goose say of a server, and a router has no use for. */
const foreignKeys: ReadonlySet<string> = new Set([
  ...['timeout', 'tool_timeout', 'connectTimeout', 'initTimeout', 'networkTimeout', 'bundled'],
  ...[
    'autoApprove',
    'alwaysAllow',
    'trust',
    'trusted',
    'disabledTools',
    'enabledTools',
    'tools',
    'allowedTools',
  ],
  ...['includeTools', 'excludeTools', 'available_tools', 'default_tools_approval_mode'],
  ...['description', 'name', 'display_name', 'title', 'version', 'icon', 'gallery', 'metadata'],
  ...['dev', 'sandbox', 'sandboxEnabled', 'alwaysLoad', 'instructions', 'roots'],
  ...['auth', 'oauth', 'OAuth', 'authProviderType', 'authorization', 'headersHelper', 'settings'],
  ...['targetAudience', 'targetServiceAccount', 'source', 'remote', 'extensionName', 'socket'],
  ...['registryUrl', 'installationId', 'fromGalleryId', 'env_http_headers', 'code', 'dependencies'],
  ...['startup', 'oauth_headers', 'apiKey', 'env_vars', 'bearer_token_env_var', 'server'],
])

/** Goose's own, Zed's from an extension: they run inside of the program. */
const innerTypes: ReadonlySet<string> = new Set([
  'builtin',
  'platform',
  'frontend',
  'inline_python',
  'extension',
])

/** translate reads an entry as other MCP programs write it. A list of `endpoints` is of this router, and stays what it is. */
export const translate = (
  entry: unknown,
  env: Env,
  platform: string = process.platform,
): Translated => {
  if (!isRecord(entry) || 'endpoints' in entry) return asItIs(entry)
  const given = flattened(entry)
  const isReachable = addressKeys.some((key) => isSet(given[key]))
  // Zed has only the settings of a server that an extension brings.
  const isInner = 'settings' in given || innerTypes.has(String(given['type'] ?? given['source']))
  if (isInner && !isReachable) return asItIs(undefined)
  const { value, unused: ignored } = renamed(given)
  const unenforced = ignored.filter((key) => isRestriction(key, given[key]))
  const unused = ignored.filter((key) => !unenforced.includes(key))
  const wanted = asList(given['env_keys']).map(String)
  const fromEnv = wanted.flatMap((name): readonly (readonly [string, unknown])[] =>
    env[name] === undefined ? [] : [[name, env[name]]],
  )
  const merged: Json = { ...Object.fromEntries<unknown>(fromEnv), ...asMap(value['env']) }
  const whole = fromEnv.length > 0 ? { ...value, env: merged } : value
  const has = asMap(value['env'])
  const unset = wanted.filter((name) => env[name] === undefined && !(name in has))
  return { value: unwrapped(whole, platform), unused, unenforced, unset }
}

const asItIs = (value: unknown): Translated => ({ value, unused: [], unenforced: [], unset: [] })

const addressKeys = ['command', 'cmd', 'url', 'httpUrl', 'serverUrl', 'uri']

/** Goose once had all but `enabled` in `config`; Zed once had a map as command. */
const flattened = (entry: Json): Json => {
  const { config, ...rest } = entry
  const flat = isRecord(config) ? { ...rest, ...config } : entry
  const { command, ...others } = flat
  if (!isRecord(command)) return flat
  const { path, ...more } = command
  return { ...others, command: path, ...more }
}

const renamed = (given: Json): { readonly value: Json; readonly unused: readonly string[] } => {
  const value: Record<string, unknown> = {}
  const unused: string[] = []
  const address = ['httpUrl', 'serverUrl', 'url', 'uri'].find((key) => isSet(given[key]))
  for (const [key, held] of Object.entries(given)) {
    const own = synonyms.get(key) ?? key
    const isOther = own === 'url' && address !== undefined && key !== address
    // There is no process that it could be the environment of.
    const isForeignEnv = /^(envs|environment|envFile)$/.test(key) && address !== undefined
    if (key === 'env_keys' || held === 'null') continue
    else if (key === 'enabled') value['disabled'] = held === 'false' ? 'true' : 'false'
    else if (isForeign(own) || isOther || isForeignEnv) unused.push(key)
    // It says no more than that there is a URL.
    else if (own === 'type' && held === 'remote') continue
    else if (own === 'env')
      value['env'] = isRecord(held) ? { ...asMap(value['env']), ...held } : held
    else if (own === 'headers' && isRecord(held)) {
      const entries = Object.entries(held)
      const same = entries.filter(([name]) => writtenLikewise.test(name))
      value[own] = Object.fromEntries(entries.filter((entry) => !same.includes(entry)))
      unused.push(...same.map(([name]) => `${key}.${name}`))
    } else value[own] = held
  }
  // `httpUrl` says it by its name.
  if (address === 'httpUrl') value['transport'] ??= 'http'
  const { command, args } = value
  if (!Array.isArray(command)) return { value, unused }
  const [program, ...first] = command as readonly unknown[]
  return { value: { ...value, command: program, args: [...first, ...asList(args)] }, unused }
}

/** Many files name them: every request of MCP has them, and the router's do, too. */
const writtenLikewise = /^(accept|content-type)$/i

/** What is not near to any key of ours is one of a program that is not known here. */
const isForeign = (key: string): boolean =>
  foreignKeys.has(key) || (!entryKeys.includes(key) && meantBy(key, entryKeys) === undefined)

/** Windows runs npx by its shell; elsewhere there is none of that name, and no need for it. */
const unwrapped = (value: Json, platform: string): Json => {
  const { command, args } = value
  const [option, program, ...rest] = asList(args)
  const isShell = typeof command === 'string' && /^(.*[\\/])?cmd(\.exe)?$/i.test(command)
  if (platform === 'win32' || !isShell || !/^\/c$/i.test(String(option)) || program === undefined)
    return value
  return { ...value, command: program, args: rest }
}

const isSet = (value: unknown): boolean => value !== undefined && value !== 'null' && value !== ''

const asMap = (value: unknown): Json => (isRecord(value) ? value : {})

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
