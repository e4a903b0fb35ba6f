import { isLoopback, loadRunDir, type Env } from '@mcp-router/config'
import { resolve } from 'node:path'
import { complain } from '../../terminal.js'
import { writtenInstances } from '../nginx.js'
import { privateRedisUrl } from '../redis.js'
import { runFiles, type RunFiles } from '../run/run-files.js'
import { runningInstances } from './running-instances.js'
import { changedSettings, recordedServerPorts, recordedValues } from '../restart/settings.js'

/** What a command must know to find the processes of a cluster. */
const addresses = ['ROUTER_BASE_PORT', 'HOST', 'GATEWAY_HOST', 'MCP_SERVERS_FILE'] as const

/** withRunning is the environment with those of the running cluster's addresses that this shell does not give: a file that is named is meant. */
export const withRunning = (env: Env): Env => {
  const files = runFiles(loadRunDir(env).runDir)
  const [instance] = runningInstances(files)
  if (instance === undefined) return env
  const missing = addressesOf(files, instance.name, env).filter(([name]) => !env[name])
  return { ...env, ...Object.fromEntries(missing) }
}

/**
 * asRunning is the environment with the addresses that the running cluster of its run directory was started with, for commands that only look at
 * it. It says so where this shell gives others.
 */
export const asRunning = (env: Env): Env => {
  const files = runFiles(loadRunDir(env).runDir)
  const [instance] = runningInstances(files)
  if (instance === undefined) return env
  const running = addressesOf(files, instance.name, env)
  const others = running.filter(([name, value]) => isOther(name, env[name], value))
  if (others.length > 0) {
    const words = others.map(
      ([name, value]) => `${name} ${value || 'none'}, here ${env[name] ?? ''}`,
    )
    complain(`shown as it was started, not as this shell has it: ${words.join('; ')}`)
  }
  const secrets = otherSecrets(files, instance.name, env)
  if (secrets.length > 0)
    complain(
      `the running cluster has another ${secrets.join(' and another ')} than this shell: set what it was started with to see all of it`,
    )
  return { ...env, ...Object.fromEntries(running) }
}

const addressesOf = (
  files: RunFiles,
  instance: string,
  env: Env,
): readonly (readonly [string, string])[] => {
  const recorded = recordedValues(files, instance)
  const instances = writtenInstances(files)
  const known: readonly (readonly [string, string | undefined])[] = [
    ...addresses.map((name) => [name, recorded[name]] as const),
    ['GATEWAY_PORT', recordedValues(files, 'nginx')['GATEWAY_PORT']],
    ['ROUTER_INSTANCES', instances === 0 ? undefined : String(instances)],
    ...Object.entries(recordedServerPorts(files, instance)),
  ]
  return known.flatMap(([name, value]) =>
    value === undefined || !isUsable(name, value, env) ? [] : [[name, value] as const],
  )
}

/** Of these, only digests are recorded. */
const otherSecrets = (files: RunFiles, instance: string, env: Env): readonly string[] => {
  const settings = {
    ACCESS_TOKEN: env['ACCESS_TOKEN'] || undefined,
    REDIS_URL: env['REDIS_URL'] || privateRedisUrl(files.runDir),
  }
  return changedSettings(files, instance, { settings }).filter((name) => name in settings)
}

/** An address that other machines reach is refused without a token, which this shell need not have. */
const isUsable = (name: string, value: string, env: Env): boolean =>
  !name.endsWith('HOST') || isLoopback(value) || Boolean(env['ACCESS_TOKEN'])

const isOther = (name: string, here: string | undefined, running: string): boolean => {
  if (!here) return false
  return name === 'MCP_SERVERS_FILE' ? resolve(here) !== running : here !== running
}
