import type { Env } from '@mcp-router/config'
import { spawnSync } from 'node:child_process'
import { findBinary } from '../binary.js'

/** SystemPackage is what a package manager calls a binary that the cluster needs. */
export type SystemPackage = 'nginx' | 'redis' | 'wrk'

/** Installer is the package manager of this machine. */
export interface Installer {
  /** The commands, in order, that install packages; without sudo. */
  commands(packages: readonly SystemPackage[]): readonly (readonly string[])[]
  /** Homebrew refuses to be root; the others must be. */
  readonly asRoot: boolean
}

const named = (packages: readonly SystemPackage[], redis: string): readonly string[] =>
  packages.map((name) => (name === 'redis' ? redis : name))

const installers: Readonly<Record<string, Installer>> = {
  'apt-get': {
    asRoot: true,
    commands: (packages) => [
      ['apt-get', 'update'],
      ['apt-get', 'install', '-y', '--no-install-recommends', ...named(packages, 'redis-server')],
    ],
  },
  dnf: {
    asRoot: true,
    commands: (packages) => [['dnf', 'install', '-y', ...named(packages, 'redis')]],
  },
  apk: {
    asRoot: true,
    commands: (packages) => [['apk', 'add', ...named(packages, 'redis')]],
  },
  brew: {
    asRoot: false,
    commands: (packages) => [['brew', 'install', ...named(packages, 'redis')]],
  },
}

/** installerOf finds the package manager; undefined: none that is known. */
export const installerOf = (env: Env): Installer | undefined => {
  const name = Object.keys(installers).find((each) => findBinary(each, env) !== undefined)
  return name === undefined ? undefined : installers[name]
}

/** prefixOf is what must stand before the commands for this user; undefined: they may not be run without a password. */
export const prefixOf = (installer: Installer, env: Env): readonly string[] | undefined => {
  if (!installer.asRoot || process.getuid?.() === 0) return []
  if (findBinary('sudo', env) === undefined) return undefined
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo'] : undefined
}

/** installCommand is the line for a person to type. */
export const installCommand = (packages: readonly SystemPackage[], env: Env): string => {
  const installer = installerOf(env)
  if (installer === undefined)
    return `install ${packages.join(' and ')} with the package manager of this system`
  const sudo = installer.asRoot && process.getuid?.() !== 0 ? 'sudo ' : ''
  return installer
    .commands(packages)
    .map((command) => sudo + command.join(' '))
    .join(' && ')
}
