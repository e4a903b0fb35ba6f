import type { Problem } from '../config-error.js'
import type { ServersDocument, Path } from './document.js'
import { nearest } from './nearest.js'
import { isRecord } from './record.js'

/** Entries are the servers of a file, the path to them, and the other keys, which nothing reads. */
export interface Entries {
  readonly path: Path
  readonly servers: Readonly<Record<string, unknown>>
  readonly unused: readonly string[]
}

// The first that is there: Gemini CLI has an `mcp` beside its `mcpServers`.
const topKeys = ['servers', 'mcpServers', 'context_servers', 'mcp', 'extensions']
const ownKeys = ['servers', 'mcpServers']

const isServer = (held: unknown): boolean =>
  isRecord(held) && ['url', 'command', 'endpoints'].some((each) => each in held)

const outdented = (name: string, key = 'servers'): string =>
  `${name} (looks like a server; indent it below "${key}")`

/** entriesIn finds the servers in the file of this router or of another MCP program; what is wrong goes to `problems`. */
export const entriesIn = (
  document: ServersDocument,
  top: unknown,
  problems: Problem[],
): Entries => {
  const keys = isRecord(top) ? Object.keys(top) : []
  const key = topKeys.find((each) => keys.includes(each))
  const unused: string[] = []
  for (const each of keys) {
    // x-… holds anchors for the rest of the file, as in compose files.
    if (each === key || each.startsWith('x-')) continue
    const meant = key === undefined || ownKeys.includes(key) ? nearest(each, ownKeys) : undefined
    if (ownKeys.includes(each))
      problems.push(document.problemAtKey([each], `both "${key}" and "${each}"`, 'keep one'))
    else if (meant !== undefined)
      problems.push(
        document.problemAtKey([each], `unknown key "${each}"`, `did you mean "${meant}"?`),
      )
    else unused.push(isRecord(top) && isServer(top[each]) ? outdented(each, key) : each)
  }
  const none: Entries = { path: [key ?? 'servers'], servers: {}, unused }
  if (!isRecord(top) || key === undefined) {
    if (problems.length === 0)
      problems.push(document.problemAt([], 'there is no "servers" in it', 'add the key "servers:"'))
    return none
  }
  const below = top[key]
  // VS Code's settings.json, and newer opencode, have one level more.
  if (key === 'mcp' && isRecord(below) && isRecord(below['servers'])) {
    const others = Object.keys(below).filter((each) => each !== 'servers')
    const path = [key, 'servers']
    return {
      path,
      servers: below['servers'],
      unused: [...unused, ...others.map((each) => `mcp.${each}`)],
    }
  }
  if (isRecord(below)) return { path: [key], servers: below, unused }
  const isNamed = Array.isArray(below) && below.some((each) => isRecord(each) && 'name' in each)
  const advice = isNamed
    ? 'write each "- name: x" as "x:", with its other keys below it'
    : 'write names with their url or command below it'
  problems.push(document.problemAt([key], `"${key}" must be a map of servers`, advice))
  return none
}
