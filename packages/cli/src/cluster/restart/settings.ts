import {
  parseEnvironment,
  readText,
  secretVariables,
  variableNames,
  type Env,
} from '@mcp-router/config'
import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { RunFiles } from '../run/run-files.js'
import type { ServerPort } from '../server-ports.js'

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

/** Configured is what a process is started with, as far as it only takes effect then. */
export interface Configured {
  readonly settings?: Settings
  readonly serverPorts?: readonly ServerPort[]
}

interface Recorded {
  readonly salt: string
  readonly digests: Readonly<Record<string, string>>
  /** Of variables that are no secrets; undefined: written by an earlier release. */
  readonly values?: Readonly<Record<string, string>>
  /** Of variables that give servers their ports; empty: it was not set. */
  readonly serverPorts?: Readonly<Record<string, string>>
}

/** recordSettings keeps what a process was started with, as digests: tokens are among it. Only what is no secret is kept as it is, too. */
export const recordSettings = (
  files: RunFiles,
  name: string,
  { settings = {}, serverPorts = [] }: Configured,
): void => {
  const salt = randomBytes(16).toString('hex')
  const digests = digestsOf(settings, salt)
  const ports = Object.fromEntries(serverPorts.map((each) => [each.name, each.given]))
  const recorded: Recorded = { salt, digests, values: plainValues(settings), serverPorts: ports }
  writeFileSync(files.settings(name), JSON.stringify(recorded), { mode: 0o600 })
}

/** recordedValues are the values of those variables that are no secrets, as a process was started with them. */
export const recordedValues = (
  files: RunFiles,
  name: string,
): Readonly<Record<string, string | undefined>> => read(files.settings(name))?.values ?? {}

/** recordedServerPorts are the variables that give servers their ports, as an Instance was started with them. */
export const recordedServerPorts = (
  files: RunFiles,
  name: string,
): Readonly<Record<string, string>> => read(files.settings(name))?.serverPorts ?? {}

/** SettingChange is one variable that differs from what a process was started with. The values of a secret are not in it. */
export interface SettingChange {
  readonly name: string
  readonly how: 'added' | 'removed' | 'changed'
  readonly before: string | undefined
  readonly now: string | undefined
}

/** changeWords is what a message says of a change: `GATEWAY_PORT 9080 → 8080`, `ACCESS_TOKEN changed`. */
export const changeWords = ({ name, how, before, now }: SettingChange): string =>
  before === undefined || now === undefined
    ? `${name} ${how}`
    : `${name} ${before || 'none'} → ${now || 'none'}`

/** settingChanges are the variables that differ from those that a process was started with. */
export const settingChanges = (
  files: RunFiles,
  name: string,
  { settings = {}, serverPorts = [] }: Configured,
): readonly SettingChange[] => {
  const recorded = read(files.settings(name))
  // Started by an earlier release.
  if (recorded === undefined) return []
  const before = recorded.digests
  const now = digestsOf(settings, recorded.salt)
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((each) => before[each] !== now[each])
    .map((each) => ({
      name: each,
      how: howOf(before[each], now[each]),
      before: recorded.values?.[each],
      now: plainValues(settings)[each],
    }))
  return [...changed, ...portChanges(recorded.serverPorts ?? {}, serverPorts)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )
}

/** A server that was added to the servers file since, or removed, is no change of the variables: Instances have read that. */
const portChanges = (
  before: Readonly<Record<string, string>>,
  now: readonly ServerPort[],
): readonly SettingChange[] =>
  now.flatMap(({ name, given, fallback }): readonly SettingChange[] => {
    const old = before[name]
    const isSame = old === undefined || (old || fallback) === (given || fallback)
    return isSame ? [] : [{ name, how: 'changed', before: old, now: given }]
  })

const howOf = (before: string | undefined, now: string | undefined): SettingChange['how'] => {
  if (before === undefined) return 'added'
  return now === undefined ? 'removed' : 'changed'
}

/** changedSettings names the variables that differ from those that a process was started with. */
export const changedSettings = (
  files: RunFiles,
  name: string,
  configured: Configured,
): readonly string[] => settingChanges(files, name, configured).map((change) => change.name)

const isSecret = (name: string): boolean =>
  secretVariables.includes(name) || !variableNames.includes(name)

/** plainValues are the values of those variables that are no secrets. */
export const plainValues = (settings: Settings): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(settings)
      .filter(([name, value]) => value !== undefined && !isSecret(name))
      .map(([name, value]) => [name, String(value)]),
  )

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
    return JSON.parse(readText(path)) as Recorded
  } catch {
    return undefined
  }
}
