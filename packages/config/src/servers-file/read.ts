import { reasonOf, type Backend } from '@mcp-router/core'
import { readFileSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import { ConfigError, type Problem } from '../config-error.js'
import type { Env } from '../environment.js'
import type { ManagedBackend } from '../gateway-config.js'
import { backendFrom } from './backend.js'
import { parseServersDocument, type ServersDocument } from './document.js'
import { nearest } from './nearest.js'
import { isRecord } from './record.js'
import { substitute } from './substitute.js'

/**
 * ServersFile is what the file says: the Backends, and those of their Endpoints that the cluster
 * command starts.
 */
export interface ServersFile {
  readonly backends: readonly Backend[]
  readonly managed: readonly ManagedBackend[]
}

/**
 * readServersFile reads the Backends from YAML or JSON, `${VAR}` taken from `env`. It throws
 * ConfigError with all problems.
 */
export const readServersFile = (path: string, env: Env): readonly Backend[] =>
  readServers(path, env).backends

export const readServers = (path: string, env: Env): ServersFile => {
  const shown = shownPath(path)
  const document = parseServersDocument(textOf(path, shown), shown)
  const unset = substitute(document, env)
  const problems: Problem[] = []
  // toJS resolves aliases and merge keys; failsafe YAML leaves maps, lists and text.
  const servers = serversIn(document, document.root.toJS() as unknown, problems)
  const backends: Backend[] = []
  const managed: ManagedBackend[] = []
  for (const [name, value] of Object.entries(servers.entries)) {
    const at = [servers.key, name]
    const read = backendFrom({ document, path: at, file: resolve(path), name, value })
    if ('problems' in read) problems.push(...read.problems)
    else if (read.backend !== undefined) {
      backends.push(read.backend)
      managed.push(...read.managed)
    }
  }
  // What else is wrong on the line of an unset variable (`${HOST}/mcp` is no URL) is most likely
  // its consequence.
  const others = problems.filter(({ line }) => unset.every((each) => each.line !== line))
  if (unset.length + others.length > 0) throw new ConfigError(inOrder([...unset, ...others]))
  return { backends, managed }
}

const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))

const shownPath = (path: string): string => {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') || isAbsolute(near) ? path : near
}

const textOf = (path: string, file: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = missing ? 'there is no such file' : `it cannot be read: ${reasonOf(error)}`
    const advice = 'write one (see mcp-servers.yaml of the project) or set MCP_SERVERS_FILE'
    throw new ConfigError([{ file, reason, advice }])
  }
}

const topKeys = ['servers', 'mcpServers']

const serversIn = (
  document: ServersDocument,
  top: unknown,
  problems: Problem[],
): { readonly key: string; readonly entries: Readonly<Record<string, unknown>> } => {
  const keys = isRecord(top) ? Object.keys(top) : []
  const [key, second] = keys.filter((each) => topKeys.includes(each))
  for (const each of keys) {
    // x-… holds anchors for the rest of the file, as in compose files.
    if (topKeys.includes(each) || each.startsWith('x-')) continue
    const meant = nearest(each, topKeys)
    const advice = meant === undefined ? 'put servers below "servers:"' : `did you mean "${meant}"?`
    problems.push(document.problemAtKey([each], `unknown key "${each}"`, advice))
  }
  if (second !== undefined)
    problems.push(document.problemAtKey([second], 'both "servers" and "mcpServers"', 'keep one'))
  if (key === undefined) {
    if (problems.length === 0)
      problems.push(document.problemAt([], 'there is no "servers" in it', 'add the key "servers:"'))
    return { key: 'servers', entries: {} }
  }
  const entries = isRecord(top) ? top[key] : undefined
  if (isRecord(entries)) return { key, entries }
  const advice = 'write names with their url or command below it'
  problems.push(document.problemAt([key], `"${key}" must be a map of servers`, advice))
  return { key, entries: {} }
}
