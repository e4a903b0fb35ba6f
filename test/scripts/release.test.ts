import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inherited } from '@mcp-router/testkit/process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifests = [
  'package.json',
  'test/package.json',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/package.json`),
]
const versionOf = (path: string): string =>
  (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
const present = versionOf(join(root, 'package.json'))
const [major = 0, minor = 0] = present.split('.').map(Number)
const next = `${major}.${minor + 1}.0`
const later = `${major}.${minor + 2}.0`

const changelog = `# Changelog

## [Unreleased]

### Fixed

- One thing.
- Another thing.
`

// Nothing of whoever runs the tests: neither their name, their hooks nor their signing key.
const env = {
  ...inherited(),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@localhost' },
  ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@localhost' },
}

let folder: string
let origin: string
let clone: string
const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: clone, env, encoding: 'utf8', stdio: 'pipe' }).trim()
const commit = (text: string): string => {
  git('add', '--all')
  return git('commit', '--quiet', '--message', text)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'))
  origin = join(folder, 'origin')
  clone = join(folder, 'clone')
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', origin], { env })
  execFileSync('git', ['clone', '--quiet', origin, clone], { env, stdio: 'pipe' })
  git('checkout', '--quiet', '-B', 'main')
  for (const path of [...manifests, 'scripts/release.sh']) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    cpSync(join(root, path), join(clone, path))
  }
  writeFileSync(join(clone, 'CHANGELOG.md'), changelog)
  commit('feat: first')
  git('push', '--quiet', 'origin', 'main')
})
afterEach(() => rmSync(folder, { recursive: true }))

const release = (...args: readonly string[]): { code: number | null; text: string } => {
  const script = join(clone, 'scripts/release.sh')
  const { status, stdout, stderr } = spawnSync(script, args, { cwd: folder, env, encoding: 'utf8' })
  return { code: status, text: stdout + stderr }
}

/** All that a release could change. */
const state = () => ({
  head: git('rev-parse', 'HEAD'),
  tags: git('tag'),
  tree: git('status', '--porcelain'),
})

const today = (): string => new Date().toISOString().slice(0, 10)

describe('a release', () => {
  it('moves Unreleased to the version, sets it in every package.json, commits and tags', () => {
    const date = today()
    expect(release(next)).toMatchObject({ code: 0 })
    expect(manifests.map((path) => versionOf(join(clone, path)))).toEqual(manifests.map(() => next))
    const text = readFileSync(join(clone, 'CHANGELOG.md'), 'utf8')
    // A test that runs at midnight sees either day.
    expect([date, today()].map((day) => released(day))).toContain(text)
    expect(git('log', '-1', '--format=%s')).toBe(`chore(release): v${next}`)
    expect(git('rev-parse', `v${next}^{commit}`)).toBe(git('rev-parse', 'HEAD'))
    expect(git('status', '--porcelain')).toBe('')
  })

  it('changes nothing in package.json but the version', () => {
    release(next)
    const lines = git('show', '--format=', '--unified=0', 'HEAD', '--', '*package.json')
      .split('\n')
      .filter((line) => /^[-+] /.test(line))
    expect(new Set(lines)).toEqual(
      new Set([`-  "version": "${present}",`, `+  "version": "${next}",`]),
    )
  })

  it('puts the version above earlier ones', () => {
    release(next)
    const path = join(clone, 'CHANGELOG.md')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace('[Unreleased]\n', '[Unreleased]\n\n### Added\n\n- More.\n'))
    commit('docs: more')
    expect(release(later)).toMatchObject({ code: 0 })
    const headings = readFileSync(path, 'utf8').match(/^##+ .*$/gm)
    expect(headings?.map((line) => line.replace(/ - .*/, ''))).toEqual([
      ...['## [Unreleased]', `## [${later}]`, '### Added', `## [${next}]`, '### Fixed'],
    ])
  })

  it('pushes nothing', () => {
    const before = git('ls-remote', 'origin')
    release(next)
    expect(git('ls-remote', 'origin')).toBe(before)
  })

  it('does nothing the second time', () => {
    release(next)
    const before = state()
    expect(release(next)).toEqual({
      code: 0,
      text: `release: v${next} is tagged already; nothing to do\n`,
    })
    expect(state()).toEqual(before)
  })

  it('makes the tag that an interrupted run left out', () => {
    release(next)
    const before = state()
    git('tag', '--delete', `v${next}`)
    expect(release(next)).toMatchObject({ code: 0 })
    expect(state()).toEqual(before)
  })

  it('takes its changes back when the commit fails', () => {
    const hook = join(clone, '.git/hooks/pre-commit')
    mkdirSync(dirname(hook), { recursive: true })
    writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const before = state()
    expect(release(next)).toMatchObject({ code: 1 })
    expect(state()).toEqual(before)
  })

  it('says with --dry-run what it would change, and changes nothing', () => {
    const before = state()
    const { code, text } = release('--dry-run', next)
    expect([code, text]).toEqual([0, expect.stringContaining(`2 entries move to [${next}]`)])
    for (const path of manifests) expect(text).toContain(path)
    expect(state()).toEqual(before)
  })
})

describe('a release is refused', () => {
  const refused = (version: string, reason: RegExp): void => {
    const before = state()
    const { code, text } = release(version)
    expect([code, text]).toEqual([1, expect.stringMatching(reason)])
    expect(state()).toEqual(before)
  }

  it('outside of main', () => {
    git('checkout', '--quiet', '-b', 'other')
    refused(next, /made on main, and this is other/)
  })

  it('with a file that is not committed', () => {
    writeFileSync(join(clone, 'note'), '')
    refused(next, /not clean/)
    rmSync(join(clone, 'note'))
    appendFileSync(join(clone, 'CHANGELOG.md'), 'x')
    refused(next, /not clean/)
  })

  it('with nothing under Unreleased', () => {
    release(next)
    refused(later, /lists nothing under Unreleased/)
  })

  it.each(['1.2', 'v1.2.3', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3+build', 'latest'])(
    'as %s, which is not a semantic version',
    (version) => refused(version, /is not a semantic version/),
  )

  it.each(['0.0.1', `${present}-rc.1`])('as %s, which is not greater', (version) =>
    refused(version, /is not greater than the present version/),
  )

  it('as a version that was passed by a later one', () => {
    const path = join(clone, 'CHANGELOG.md')
    const order = ['-alpha', '-rc.2', '-rc.10', '']
    for (const suffix of order) {
      writeFileSync(path, changelog.replace('One', `One ${suffix}`))
      commit('docs: one thing')
      expect(release(`${next}${suffix}`)).toMatchObject({ code: 0 })
    }
    writeFileSync(path, changelog)
    commit('docs: one thing')
    for (const suffix of ['-rc.3', '-rc.11', '-zeta'])
      refused(`${next}${suffix}`, /is not greater than the present version/)
  })
})

const released = (day: string): string => `# Changelog

## [Unreleased]

## [${next}] - ${day}

### Fixed

- One thing.
- Another thing.
`
