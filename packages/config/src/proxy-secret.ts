import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from './read-text.js'

// The Nginx of a cluster shows this secret to the instances, so that they tell it from clients that
// reach their ports. Its file is for the owner of the run directory alone.
const fileIn = (runDir: string): string => join(runDir, 'proxy-secret')

/** readProxySecret is the secret of the run directory; undefined: no cluster was started there. */
export const readProxySecret = (runDir: string): string | undefined => {
  try {
    return readText(fileIn(runDir)).trim() || undefined
  } catch {
    return undefined
  }
}

/** makeProxySecret is the same, made where it is missing; the directory must exist. */
export const makeProxySecret = (runDir: string): string => {
  const known = readProxySecret(runDir)
  if (known !== undefined) return known
  const secret = randomBytes(32).toString('base64url')
  writeFileSync(fileIn(runDir), `${secret}\n`, { mode: 0o600 })
  return secret
}
