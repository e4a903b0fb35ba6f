import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConfigError } from '../config-error.js'
import { readServers } from './read.js'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bounds-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** Each problem with its place, as it is printed. */
const problemsIn = (path: string): readonly string[] => {
  try {
    readServers(path, {}, { strict: true })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ line, column, reason }) => `${line}:${column} ${reason}`)
  }
  return []
}

const problemsOf = (text: string): readonly string[] => {
  const path = join(folder, 'servers.yaml')
  writeFileSync(path, text)
  return problemsIn(path)
}

/** Ten to the tenth of what one line says. */
const laughs = 'b c d e f g h i j'.split(' ').map((name, at) => {
  const above = 'abcdefghi'[at] ?? ''
  return `x-${name}: &${name} [${Array(10).fill(`*${above}`).join(',')}]`
})

it.each([
  [
    'aliases that multiply',
    ['x-a: &a [x,x]', ...laughs, 'servers:', '  a: { command: x, args: *j }'].join('\n'),
    '12:26 so many aliases are more than this file can mean',
  ],
  [
    'an anchor that merges itself',
    'x-a: &a\n  <<: *a\n  url: http://x/\nservers:\n  a: { <<: *a }',
    '2:7 the anchor "a" holds itself',
  ],
  [
    'an anchor that holds itself',
    'servers: &s\n  a: { url: http://a/ }\n  b: *s',
    '3:6 the anchor "s" holds itself',
  ],
  [
    'references within references without end',
    `servers:\n  a: { url: "http://a/${'${A:-'.repeat(3000)}x${'}'.repeat(3000)}" }`,
    '2:519 it is nested too deeply',
  ],
  [
    'lists within lists without end',
    `{"mcpServers":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    '1:118 it is nested too deeply',
  ],
])('tells where the file has %s', (_what, text, told) => {
  expect(problemsOf(text)).toEqual([told])
})

it('tells where lines have lists without end', () => {
  const told = problemsOf(`servers:\n  a:\n    ${'- '.repeat(20_000)}x`)
  expect(told[0]).toMatch(/^3:\d+ not valid YAML or JSON/)
})

it('reads many servers that share one anchor', () => {
  const names = Array.from({ length: 150 }, (_, n) => `  a${n}: { <<: *a, url: "http://a/${n}" }`)
  expect(problemsOf(['x-a: &a { deadline: 5 }', 'servers:', ...names].join('\n'))).toEqual([])
})

it('reads no file without end', () => {
  expect(problemsIn('/dev/zero')).toEqual([
    'undefined:undefined it cannot be read: it is a device, and a regular file is needed',
  ])
})
