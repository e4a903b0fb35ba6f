import type { Env } from '@mcp-router/config'
import { spawnSync } from 'node:child_process'
import { Failure } from '../failure.js'
import { say } from '../terminal.js'
import { installCommand, installerOf, prefixOf, type SystemPackage } from './packages.js'

/** install installs packages where this user may; otherwise it fails with the exact command for someone who may. */
export const install = (packages: readonly SystemPackage[], env: Env): void => {
  const installer = installerOf(env)
  const prefix = installer === undefined ? undefined : prefixOf(installer, env)
  const byHand = `run this, then try again:\n\n  ${installCommand(packages, env)}\n`
  if (installer === undefined || prefix === undefined)
    throw new Failure(`${packages.join(' and ')} must be installed, and this user may not; ${byHand}`)
  for (const command of installer.commands(packages)) run([...prefix, ...quiet(command)], env, byHand)
}

// RUNLEVEL=1 keeps Debian from starting the services that it installs: the cluster runs its own. `env`, because sudo drops it.
const quiet = (command: readonly string[]): readonly string[] =>
  command[0] === 'apt-get'
    ? ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive', ...command]
    : command

const run = (command: readonly string[], env: Env, byHand: string): void => {
  say(`  ${command.join(' ')}`)
  const [file = '', ...args] = command
  // Its own output goes to stderr: it is long, and tells of trouble when there is some.
  const { status } = spawnSync(file, args, { env, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  // Old package lists of one source do not keep the packages of another from being installed.
  if (command.includes('update')) return
  throw new Failure(`that failed; ${byHand}`)
}
