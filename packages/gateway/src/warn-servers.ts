import type { ServersFile } from '@mcp-router/config'
import type { Observer } from '@mcp-router/observe'

/** warnServers logs what is wrong with single servers of the file, and in one line what of it is not used. */
export const warnServers = (
  log: Observer['log'],
  { invalid, unused }: Pick<ServersFile, 'invalid' | 'unused'>,
  /** Whether a server of this name is served nevertheless, as it was before its mistake. */
  isServed: (name: string) => boolean,
): void => {
  for (const { name, problems } of invalid) {
    const effect = isServed(name) ? 'keeps its previous definition' : 'is left out'
    for (const problem of problems) log.warn(`server "${name}" ${effect}: ${problem}`)
  }
  if (unused !== undefined) log.warn(unused)
}
