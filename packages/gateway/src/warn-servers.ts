import type { ServersFile } from '@mcp-router/config'
import type { Observer } from '@mcp-router/observe'

/** warnServers logs what is wrong with single servers of the file, and in one line what of it is not used. */
export const warnServers = (
  log: Observer['log'],
  { invalid, unused }: Pick<ServersFile, 'invalid' | 'unused'>,
): void => {
  for (const { name, problems } of invalid)
    for (const problem of problems) log.warn(`server "${name}" is not read: ${problem}`)
  if (unused !== undefined) log.warn(unused)
}
