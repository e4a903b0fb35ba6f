import { withoutCredentialsIn } from '../without-credentials.js'

/** Notes are what there is to say of a file whose servers can be used; keys as `server.key`. */
export interface Notes {
  readonly unused: string[]
  /** Keys that would keep tools from their user, and do not here. */
  readonly unenforced: string[]
  /** Names that are served under another, and under which. */
  readonly renamed: string[]
}

export const noNotes = (unused: readonly string[]): Notes => ({
  unused: [...unused],
  unenforced: [],
  renamed: [],
})

/** unusedText is what of the file is ignored, and the names that are served otherwise, as one sentence; undefined: nothing. */
export const unusedText = (shown: string, { unused, renamed }: Notes): string | undefined => {
  if (unused.length === 0 && renamed.length === 0) return undefined
  if (unused.length === 0) return withoutCredentialsIn(`in ${shown}, ${renamed.join(', ')}`)
  const isTimed = unused.some((key) => timeout.test(key))
  const advice = isTimed ? ['instead of a timeout, set "deadline" (seconds)'] : []
  const parts = [`ignored keys in ${shown}: ${unused.join(', ')}`, ...renamed, ...advice]
  return withoutCredentialsIn(parts.join('; '))
}

/** unenforcedText says what of the file restricts tools in another program, and not here; undefined: nothing. */
export const unenforcedText = (shown: string, { unenforced }: Notes): string | undefined => {
  if (unenforced.length === 0) return undefined
  const keys = unenforced.join(', ')
  const effect = 'all tools of these servers are reachable'
  return withoutCredentialsIn(`NOT enforced in ${shown}: ${keys}; ${effect}`)
}

/** isRestriction tells of a key of another program whether it keeps tools from its user. */
export const isRestriction = (key: string, held: unknown): boolean =>
  toolLists.has(key.toLowerCase().replaceAll('_', '')) &&
  Array.isArray(held) &&
  held.length > 0 &&
  !held.includes('*')

const toolLists: ReadonlySet<string> = new Set([
  ...['tools', 'disabledtools', 'enabledtools', 'includetools', 'excludetools'],
  ...['allowedtools', 'availabletools', 'deniedtools', 'blockedtools'],
])

/** How long a call may take; how long a connection may, has no part in it. */
const timeout = /\.(tool_?)?timeout(_?(sec|ms))?$/i
