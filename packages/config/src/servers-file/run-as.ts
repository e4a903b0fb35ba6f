import type { RunAs } from '@mcp-router/core'
import { readFileSync } from 'node:fs'
import { quoted } from '../without-credentials.js'

/** RunAsOutcome is the user that a command runs as, or what is wrong with it. */
export type RunAsOutcome =
  { readonly runAs?: RunAs } | { readonly reason: string; readonly advice: string }

/**
 * runAsFrom resolves the `user` of a command, a name or a number of /etc/passwd; without one the
 * command runs as the router does. Only root may give a process another user than its own.
 */
export const runAsFrom = (
  user: string | undefined,
  passwd: string = readPasswd(),
  ownUid: number | undefined = process.getuid?.(),
): RunAsOutcome => {
  if (user === undefined) return {}
  const runAs = entries(passwd).find(({ name, uid }) => name === user || String(uid) === user)
  if (runAs === undefined)
    return { reason: `there is no user ${quoted(user)} in /etc/passwd`, advice: 'correct it' }
  if (ownUid === 0 || ownUid === runAs.uid) return { runAs }
  return {
    reason: `only root may run a command as "${user}"`,
    advice: 'start the router as root, or remove "user"',
  }
}

const entries = (passwd: string): readonly RunAs[] =>
  passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home] = line.split(':')
    if (!name || !home || !isNumber(uid) || !isNumber(gid)) return []
    return [{ name, uid: Number(uid), gid: Number(gid), home }]
  })

const isNumber = (text: string | undefined): boolean => text !== undefined && /^\d+$/.test(text)

const readPasswd = (): string => {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}
