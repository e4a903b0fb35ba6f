import { parseEnvironment, type Env } from '@mcp-router/config'
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { RunFiles } from './run-files.js'

/** Settings are variables by name, with the values that are in effect. */
export type Settings = Readonly<Record<string, unknown>>

/** instanceSettings leaves out what only the commands, Nginx and the private Redis read. */
export const instanceSettings = (env: Env): Settings =>
  Object.fromEntries(
    Object.entries(parseEnvironment(env)).filter(([name]) => !ofOthers.includes(name)),
  )

const ofOthers = [
  ...['ROUTER_INSTANCES', 'GATEWAY_PORT', 'GATEWAY_CLIENT_CONNECTIONS'],
  ...['MCP_AFFINITY', 'MCP_REDIS_MAX_BYTES', 'MCP_SUPERVISE'],
]

interface Recorded {
  readonly salt: string
  readonly digests: Readonly<Record<string, string>>
}

/** recordSettings keeps what a process was started with, as digests: tokens are among it. */
export const recordSettings = (files: RunFiles, name: string, settings: Settings): void => {
  const salt = randomBytes(16).toString('hex')
  const recorded: Recorded = { salt, digests: digestsOf(settings, salt) }
  writeFileSync(files.settings(name), JSON.stringify(recorded), { mode: 0o600 })
}

/** changedSettings names the variables that differ from those that a process was started with. */
export const changedSettings = (
  files: RunFiles,
  name: string,
  settings: Settings,
): readonly string[] => {
  const recorded = read(files.settings(name))
  // Started by an earlier release.
  if (recorded === undefined) return []
  const now = digestsOf(settings, recorded.salt)
  const names = [...new Set([...Object.keys(recorded.digests), ...Object.keys(now)])]
  return names.filter((each) => recorded.digests[each] !== now[each]).sort()
}

const digestsOf = (settings: Settings, salt: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name,
        createHmac('sha256', salt).update(JSON.stringify(value)).digest('hex'),
      ]),
  )

const read = (path: string): Recorded | undefined => {
  try {
    // Written by recordSettings alone, in a folder of the owner.
    return JSON.parse(readFileSync(path, 'utf8')) as Recorded
  } catch {
    return undefined
  }
}
