import type { Env } from '@mcp-router/config'
import type { Command } from 'commander'
import { findBinary } from '../binary.js'
import { Failure } from '../failure.js'
import { findNginx } from '../nginx-dist.js'
import { table } from '../table.js'
import { say } from '../terminal.js'
import { missing, type Check } from './check.js'
import { checkMachine } from './checks.js'
import { install } from './install.js'
import type { SystemPackage } from './packages.js'

/** addDoctor adds the command that tells what this machine lacks, and installs what it may. */
export const addDoctor = (program: Command, env: Env): void => {
  program
    .command('doctor')
    .description('tell what is missing on this machine, and the command that fixes it')
    .option(
      '--install [names...]',
      'install nginx and redis where missing, or what is named (wrk, chromium)',
    )
    .action(async (options: { install?: readonly string[] | true }) => {
      if (options.install !== undefined) {
        installMissing(options.install === true ? needed(env) : options.install, env)
        return
      }
      const checks = await checkMachine(env)
      for (const line of report(checks)) say(line)
      if (checks.some(isSerious)) process.exitCode = 1
    })
}

// With somebody else's Redis none is needed here.
const needed = (env: Env): readonly SystemPackage[] =>
  env['REDIS_URL'] ? ['nginx'] : ['nginx', 'redis']

const isThere: Readonly<Record<SystemPackage, (env: Env) => boolean>> = {
  nginx: (env) => findNginx(env) !== undefined,
  redis: (env) => findBinary('redis-server', env) !== undefined,
  wrk: (env) => findBinary('wrk', env) !== undefined,
  chromium: (env) => findBinary('chromium', env) !== undefined,
}

const isPackage = (name: string): name is SystemPackage => Object.hasOwn(isThere, name)

const installMissing = (names: readonly string[], env: Env): void => {
  const unknown = names.find((name) => !isPackage(name))
  const known = Object.keys(isThere).join(', ')
  if (unknown !== undefined) throw new Failure(`cannot install "${unknown}"; known are ${known}`)
  const missing = names.filter(isPackage).filter((name) => !isThere[name](env))
  if (missing.length > 0) install(missing, env)
}

const isSerious = ({ problem, optional }: Check): boolean =>
  problem !== undefined && optional !== true

const stateOf = (check: Check): string => {
  const { problem } = check
  if (problem === undefined) return 'ok'
  if (taken.test(problem)) return 'TAKEN'
  const word = problem === missing ? missing : 'wrong'
  return isSerious(check) ? word.toUpperCase() : word
}

const taken = /^port \d+ is taken /

/** What the state says already is left out. */
const detailOf = (problem: string): string =>
  problem === missing ? '' : problem.replace(taken, '')

/** report is a line for each check, and below them what to do. */
export const report = (checks: readonly Check[]): readonly string[] => {
  const rows = checks.map((check) => [
    check.what,
    stateOf(check),
    check.problem === undefined ? (check.found ?? '') : detailOf(check.problem),
  ])
  const fixes = checks.flatMap(({ what, fix, optional }) =>
    fix === undefined ? [] : [`  ${what}${optional === true ? ' (optional)' : ''}: ${fix}`],
  )
  const lines = table(['what', 'state', ''], rows)
  return fixes.length === 0 ? lines : [...lines, '', 'To do:', ...fixes]
}
