import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const scripts = fileURLToPath(new URL('../../scripts', import.meta.url))
const names = readdirSync(scripts).filter((name) => name.endsWith('.sh'))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'script-help-'))
  cpSync(scripts, join(folder, 'scripts'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

// In a copy with nothing but the scripts: whatever one of them installed or built would be seen.
const run = (name: string, ...args: readonly string[]) =>
  spawnSync(join(folder, 'scripts', name), args, { cwd: folder, encoding: 'utf8' })

describe('asked for help', () => {
  const ways = names.flatMap((name) => [[name, ['--help']] as const, [name, ['-h']] as const])
  it.each(ways)('%s %j prints its usage and changes nothing', (name, args) => {
    const { status, stdout, stderr } = run(name, ...args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`usage: scripts/${name}`)
    expect(readdirSync(folder)).toEqual(['scripts'])
  })

  it('is help among other arguments, too', () => {
    const { status, stdout } = run('test.sh', '--project', 'unit', '--help')
    expect([status, stdout]).toEqual([0, expect.stringContaining('usage: scripts/test.sh')])
    expect(readdirSync(folder)).toEqual(['scripts'])
  })

  it.each(['start', 'stop', 'restart', 'status', 'logs'])(
    'start-instances.sh %s prints its usage and changes nothing',
    (verb) => {
      const { status, stdout, stderr } = run('start-instances.sh', verb, '--help')
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toContain('usage: scripts/start-instances.sh')
      expect(readdirSync(folder)).toEqual(['scripts'])
    },
  )

  it.each([
    ['test.sh', /Chromium/],
    ['bench.sh', /wrk/],
  ])('%s says what it installs', (name, installs) => {
    expect(run(name, '--help').stdout).toMatch(installs)
  })
})

describe('an unknown flag', () => {
  it.each([
    ['bench', 'test/load/dist/main.js'],
    ['chaos', 'test/chaos/dist/chaos/main.js'],
  ])('of %s is told in one line that names --help', (name, main) => {
    const path = fileURLToPath(new URL(`../../${main}`, import.meta.url))
    const { status, stderr } = spawnSync(process.execPath, [path, '--bogus'], { encoding: 'utf8' })
    expect(stderr).toMatch(
      new RegExp(
        `^${name}: Unknown option '--bogus'; npm run ${name} -- --help lists the flags\n$`,
      ),
    )
    expect(status).toBe(1)
  })
})

describe('an argument that there is not', () => {
  it.each([
    ['setup.sh', ['--foo'], 'setup: unknown argument "--foo"'],
    ['release.sh', ['--foo'], 'release: unknown option "--foo"'],
    ['start-instances.sh', ['stat'], 'start-instances: unknown command "stat"'],
    ['start-instances.sh', ['stat', '--help'], 'start-instances: unknown command "stat"'],
  ])('of %s %j is named, before anything is built, too', (name, args, message) => {
    const { status, stdout, stderr } = run(name, ...args)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr.split('\n')[0]).toBe(message)
    expect(stderr).toContain(`usage: scripts/${name}`)
  })
})

describe('before the set-up', () => {
  it('audit.sh says that it is missing', () => {
    const { status, stderr } = run('audit.sh')
    expect([status, stderr]).toEqual([1, 'audit: pnpm is not installed yet: npm run setup\n'])
  })
})

describe('relative paths in variables', () => {
  it.each([
    ['verify-session.sh', ['http://127.0.0.1:1']],
    ['start-instances.sh', ['status', '--json']],
  ])('of %s are seen from the caller', (name, args) => {
    writeFileSync(join(folder, 'my.yaml'), 'servers: { a: { url: "http://127.0.0.1:1/mcp" } }')
    const { stdout, stderr } = spawnSync(join(scripts, name), args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, REDIS_URL: '', MCP_SERVERS_FILE: 'my.yaml', MCP_RUN_DIR: 'my-run' },
    })
    expect(stdout + stderr).toContain(join(realpathSync(folder), 'my-run'))
  })
})

describe('a verb that there is not', () => {
  it('is answered with the one that was probably meant', () => {
    const { status, stderr } = spawnSync(join(scripts, 'start-instances.sh'), ['strat'], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([1, expect.stringContaining('cluster start`?')])
  })
})

it('tells the version', () => {
  const { stdout } = spawnSync(join(scripts, 'mcp-router.sh'), ['--version'], { encoding: 'utf8' })
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
