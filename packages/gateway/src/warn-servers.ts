import type { ServersFile } from '@mcp-router/config'
import type { Observer } from '@mcp-router/observe'

/** warnServers logs what is wrong with single servers of the file, and in one line what of it is not used. */
export const warnServers = (
  log: Observer['log'],
  { disabled, unused }: Pick<ServersFile, 'disabled' | 'unused'>,
): void => {
  for (const { name, problems } of disabled)
    for (const problem of problems) log.warn(`server "${name}" is not read: ${problem}`)
  if (unused !== undefined) log.warn(unused)
}
