import {
  ConfigError,
  readEntries,
  readServers,
  writeEntries,
  type Env,
  type ServerEntries,
} from '@mcp-router/config'
import { reasonOf } from '@mcp-router/core'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { commandName } from '../command-name.js'
import { Failure } from '../failure.js'
import type { ClientFile } from './client-files.js'
import { mergeServers } from './merge.js'

/** Asked is what is to be made. */
export interface Asked {
  readonly folder: string
  /** Files of MCP clients whose servers are taken over. */
  readonly files: readonly Pick<ClientFile, 'path' | 'servers'>[]
  /** The reference server of the MCP project, by npx. */
  readonly example: boolean
}

const fileName = 'mcp-servers.yaml'

const exampleServers: ServerEntries = {
  everything: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-everything'] },
}

const comment = [
  'The MCP servers behind this router. Each name becomes an address:',
  '',
  '  POST /mcp/router/route/<name>    one JSON-RPC message in, its answer out',
  '  POST /mcp/<name>                 Streamable HTTP, with a session',
  '  GET  /sse/<name>                 HTTP+SSE (2024-11-05)',
  '',
  'A server has a `url`, or a `command` with `args` and `env`. Running instances reload the file by themselves.',
  '${VAR} is taken from the environment; ${VAR:-value} has a default.',
]

/** serversFileIn is where the servers file of a folder is. It throws Failure where there is one already. */
export const serversFileIn = (folder: string): string => {
  const path = join(resolve(folder), fileName)
  if (!existsSync(path)) return path
  const advice = `edit it, or name another folder: ${commandName} init <folder>`
  throw new Failure(`${shown(path)} exists, and nothing was changed: ${advice}`)
}

/** readClientFile reads the servers of a file that was named. It throws Failure where there is none to read. */
export const readClientFile = (path: string): Pick<ClientFile, 'path' | 'servers'> => {
  try {
    const servers = readEntries(path)
    if (Object.keys(servers).length === 0) throw new Failure(`${path} has no servers`)
    return { path, servers }
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Failure) throw error
    throw new Failure(`reading the servers of an MCP client: ${reasonOf(error)}`)
  }
}

/** init writes the servers file and returns what to say about it, line by line. */
export const init = ({ folder, files, example }: Asked, env: Env): readonly string[] => {
  const path = serversFileIn(folder)
  const given = files.map(({ servers }) => servers)
  const { servers, renamed } = mergeServers([...given, ...(example ? [exampleServers] : [])])
  if (Object.keys(servers).length === 0)
    throw new Failure(
      'there is nothing to serve, and nothing was written: --example adds a server to try things with, --import those of an MCP client',
    )
  write(path, writeEntries(servers, comment))
  const { backends, invalid } = readServers(path, env)
  return [
    `wrote ${shown(path)}: ${Object.keys(servers).join(', ')}`,
    ...renamed.map(([from, to]) => `  a second "${from}" is served as "${to}"`),
    ...pathsIn(servers).map(
      (name) =>
        `  "${name}" has a relative path, which counts from ${shown(resolve(folder)) || '.'} now`,
    ),
    ...invalid.flatMap(({ name, problems }) =>
      problems.map((each) => `  "${name}" is left out: ${each}`),
    ),
    ...nextSteps(folder, backends[0]?.name, env),
  ]
}

const write = (path: string, text: string): void => {
  try {
    mkdirSync(resolve(path, '..'), { recursive: true })
    // What was taken over may have tokens in it.
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new Failure(`writing ${path}: ${reasonOf(error)}; name another folder`)
  }
}

/** pathsIn are the servers that name a file by where their client was. */
const pathsIn = (servers: ServerEntries): readonly string[] =>
  Object.entries(servers).flatMap(([name, entry]) => {
    const { command, cwd, envFile } = (entry ?? {}) as Readonly<Record<string, unknown>>
    const isRelative =
      (typeof command === 'string' && /^\.{1,2}[\\/]/.test(command)) ||
      [cwd, envFile].some((each) => typeof each === 'string' && !/^([\\/~$]|[a-z]:)/i.test(each))
    return isRelative ? [name] : []
  })

const nextSteps = (folder: string, served: string | undefined, env: Env): readonly string[] => {
  if (served === undefined) return []
  const alone = `http://127.0.0.1:${env['ROUTER_BASE_PORT'] || '8051'}`
  const cluster = `http://127.0.0.1:${env['GATEWAY_PORT'] || '8080'}`
  const enter = resolve(folder) === process.cwd() ? '' : `cd ${shown(resolve(folder))} && `
  const port = env['ROUTER_BASE_PORT'] ? ` --port ${env['ROUTER_BASE_PORT']}` : ''
  return [
    '',
    'Start it:',
    '',
    `  ${enter}${commandName} ${`serve${port}`.padEnd(13)}  # one process, in memory, at ${alone}`,
    `  ${enter}${commandName} cluster start  # Redis, three instances and Nginx, at ${cluster}`,
    '',
    `Then point an MCP client at ${alone}/mcp/${served} (${cluster} for the cluster), or call it once:`,
    '',
    `  curl ${alone}/mcp/router/route/${served} -H 'Content-Type: application/json' \\`,
    `    -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'`,
  ]
}

const shown = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}
