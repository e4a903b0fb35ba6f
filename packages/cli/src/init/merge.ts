import type { ServerEntries } from '@mcp-router/config'

/** Merged are servers of several files under names of their own. */
export interface Merged {
  readonly servers: ServerEntries
  /** What is served under another name than its file has, because another server has that. */
  readonly renamed: readonly (readonly [from: string, to: string])[]
}

/** mergeServers takes the servers of all files in turn. The same server under the same name is taken once. */
export const mergeServers = (files: readonly ServerEntries[]): Merged => {
  const servers = new Map<string, unknown>()
  const renamed: (readonly [string, string])[] = []
  for (const [name, entry] of files.flatMap(Object.entries)) {
    const same = (other: string): boolean =>
      JSON.stringify(servers.get(other)) === JSON.stringify(entry)
    let free = name
    for (let n = 2; servers.has(free) && !same(free); n++) free = `${name}-${n}`
    if (free !== name && !servers.has(free)) renamed.push([name, free])
    servers.set(free, entry)
  }
  return { servers: Object.fromEntries(servers), renamed }
}
