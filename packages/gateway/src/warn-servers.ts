import { serverProblemText, type ServersFile } from '@mcp-router/config'
import type { Observer } from '@mcp-router/observe'

/** warnServers logs what is wrong with single servers of the file, in one line what of it is not used, and in one what of it does not protect. */
export const warnServers = (
  log: Observer['log'],
  { invalid, unused, unenforced }: Pick<ServersFile, 'invalid' | 'unused' | 'unenforced'>,
  /** Whether a server of this name is served nevertheless, as it was before its mistake. */
  isServed: (name: string) => boolean,
): void => {
  for (const { name, problems } of invalid) {
    const effect = isServed(name) ? 'keeps its previous definition' : 'is left out'
    for (const problem of problems) log.warn(serverProblemText(name, effect, problem))
  }
  if (unused !== undefined) log.warn(unused)
  if (unenforced !== undefined) log.warn(unenforced)
}
