import type { Env } from '@mcp-router/config'
import { spawnSync } from 'node:child_process'
import { findBinary } from '../binary.js'

/** SystemPackage is a package of the system that the cluster, its benchmark, or its tests need. */
export type SystemPackage = 'nginx' | 'redis' | 'wrk' | 'chromium'

/** Installer is the package manager of this machine; its commands are without sudo. */
export interface Installer {
  install(packages: readonly SystemPackage[]): readonly string[]
  /** Fetches the lists of packages, where that is a command of its own. */
  readonly refresh?: readonly string[]
  /** Homebrew refuses to be root; the others must be. */
  readonly asRoot: boolean
}

const named = (packages: readonly SystemPackage[], redis: string): readonly string[] =>
  packages.map((name) => (name === 'redis' ? redis : name))

// RUNLEVEL=1 keeps Debian from starting the services that it installs: the cluster runs its own. By
// `env`, because sudo drops variables.
const aptGet = ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive', 'apt-get']

const installers: Readonly<Record<string, Installer>> = {
  'apt-get': {
    asRoot: true,
    refresh: [...aptGet, 'update'],
    install: (packages) => [
      ...aptGet,
      'install',
      '-y',
      '--no-install-recommends',
      ...named(packages, 'redis-server'),
    ],
  },
  dnf: {
    asRoot: true,
    install: (packages) => ['dnf', 'install', '-y', ...named(packages, 'redis')],
  },
  apk: {
    asRoot: true,
    install: (packages) => ['apk', 'add', ...named(packages, 'redis')],
  },
  brew: {
    asRoot: false,
    install: (packages) => ['brew', 'install', ...named(packages, 'redis')],
  },
}

/** installerOf finds the package manager; undefined: none that is known. */
export const installerOf = (env: Env): Installer | undefined => {
  const name = Object.keys(installers).find((each) => findBinary(each, env) !== undefined)
  return name === undefined ? undefined : installers[name]
}

/**
 * prefixOf is what must stand before the commands for this user; undefined: they may not be run
 * without a password.
 */
export const prefixOf = (installer: Installer, env: Env): readonly string[] | undefined => {
  if (!installer.asRoot || isRoot()) return []
  if (findBinary('sudo', env) === undefined) return undefined
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo'] : undefined
}

/** installCommand is the line for a person to type. */
export const installCommand = (packages: readonly SystemPackage[], env: Env): string => {
  const installer = installerOf(env)
  if (installer === undefined)
    return `install ${packages.join(' and ')} with the package manager of this system`
  const sudo = installer.asRoot && !isRoot() ? 'sudo ' : ''
  return [installer.refresh, installer.install(packages)]
    .flatMap((command) => (command === undefined ? [] : sudo + shortened(command)))
    .join(' && ')
}

// A person answers questions, and a shell needs no `env`.
const shortened = (command: readonly string[]): string =>
  command
    .filter((word) => !/^(env|DEBIAN_FRONTEND=.*|--no-install-recommends)$/.test(word))
    .join(' ')

const isRoot = (): boolean => process.getuid?.() === 0
