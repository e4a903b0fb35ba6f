import type { RunAs } from './backend.js'

/** Enough to find programs and a home, and to write text as the operator reads it; no secrets. */
const inherited: readonly string[] = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'TMPDIR', 'TZ'],
  ...['LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE'],
]

type Variables = Readonly<Record<string, string | undefined>>

/** identityOf is what of the environment goes with another user. */
export const identityOf = ({ name, home }: RunAs): Record<string, string> => ({
  HOME: home,
  USER: name,
  LOGNAME: name,
})

/**
 * childEnvironment is what a process that the router starts inherits of its environment. Everything
 * else it needs is configured, so that no secret of the router or of another server reaches it.
 */
export const childEnvironment = (
  base: Variables,
  more: readonly string[] = [],
): Record<string, string> =>
  Object.fromEntries(
    [...inherited, ...more].flatMap((name) => {
      const value = base[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
