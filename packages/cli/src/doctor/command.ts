import type { Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { findBinary } from '../binary.js'
import { table } from '../table.js'
import { say } from '../terminal.js'
import type { Check } from './check.js'
import { checkMachine } from './checks.js'
import { install } from './install.js'
import type { SystemPackage } from './packages.js'

/** addDoctor adds the command that tells what this machine lacks, and installs what it may. */
export const addDoctor = (program: Command, env: Env): void => {
  program
    .command('doctor')
    .description('tell what is missing on this machine, and the command that mends it')
    .option('--install', 'install Nginx and Redis with the package manager of the system', false)
    .action(async (options: { install: boolean }) => {
      if (options.install) {
        installMissing(env)
        return
      }
      const checks = await checkMachine(env)
      for (const line of report(checks)) say(line)
      if (checks.some(isSerious)) process.exitCode = 1
    })
}

const installMissing = (env: Env): void => {
  const needed: readonly (readonly [string, SystemPackage, boolean])[] = [
    ['nginx', 'nginx', true],
    // Somebody else's Redis needs none here.
    ['redis-server', 'redis', !env['REDIS_URL']],
  ]
  const missing = needed
    .filter(([binary, , wanted]) => wanted && findBinary(binary, env) === undefined)
    .map(([, name]) => name)
  if (missing.length === 0) return
  say(`installing ${missing.join(' and ')}`)
  install(missing, env)
}

const isSerious = ({ problem, optional }: Check): boolean =>
  problem !== undefined && optional !== true

const report = (checks: readonly Check[]): readonly string[] => {
  const rows = checks.map((check) => [
    check.what,
    check.problem === undefined ? 'ok' : isSerious(check) ? 'MISSING' : 'missing',
    check.problem ?? check.found ?? '',
  ])
  const fixes = checks.flatMap(({ what, fix, optional }) =>
    fix === undefined ? [] : [`  ${what}${optional === true ? ' (optional)' : ''}: ${fix}`],
  )
  const lines = table(['what', 'state', ''], rows)
  return fixes.length === 0 ? lines : [...lines, '', 'To do:', ...fixes]
}
