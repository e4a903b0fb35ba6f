import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

let folder: string
const program = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text, { mode: 0o755 })
}

// The script alone: what it would set up and run says only that it was called, and with what.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selection-'))
  program('scripts/setup.sh', '#!/bin/sh\n')
  cpSync(join(root, 'scripts/test.sh'), join(folder, 'scripts/test.sh'))
  program('packages/cli/dist/main.js', "console.log(['cli', ...process.argv.slice(2)].join(' '))")
  program('node_modules/.bin/vitest', '#!/bin/sh\necho vitest "$@"\n')
  program('test/cluster/start.test.ts', '')
})
afterEach(() => rmSync(folder, { recursive: true }))

const verb = (name: string, ...args: readonly string[]): readonly string[] => {
  const [script = '', ...first] = scripts[name]!.split(' ')
  const options = { cwd: folder, encoding: 'utf8' } as const
  return spawnSync(join(folder, script), [...first, ...args], options)
    .stdout.trim()
    .split('\n')
}

describe('the tests that a verb runs', () => {
  it('are all of them, with Chromium for the pages of other origins', () => {
    expect(verb('test')).toEqual(['cli doctor --install chromium', 'vitest run'])
  })

  it('are the unit tests, without Chromium', () => {
    expect(verb('test:unit', 'packages/config')).toEqual([
      'vitest run --project unit* packages/config',
    ])
  })

  it('are the one file of test/cluster that a name means', () => {
    expect(verb('test:cluster', 'start')).toEqual([
      'vitest run --project cluster* test/cluster/start.test.ts',
    ])
  })

  it('are selected by vitest where a word is no such name', () => {
    expect(verb('test:cluster', 'browser', '-t', 'a page')).toEqual([
      'cli doctor --install chromium',
      'vitest run --project cluster* browser -t a page',
    ])
  })
})
