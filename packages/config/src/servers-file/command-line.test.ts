import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { splitCommandLine } from './command-line.js'
import { readServers } from './read.js'

it.each([
  ['node "my server.js"', ['node', 'my server.js']],
  [`run --title='It is on' a\\ b`, ['run', '--title=It is on', 'a b']],
  ['run --level="\\"high\\"" ""', ['run', '--level="high"', '']],
  // No shell puts anything in their place.
  ['run *.md $HOME', ['run', '*.md', '$HOME']],
  ['  ', []],
])('%s is split as a shell does', (line, words) => {
  expect(splitCommandLine(line)).toEqual({ words })
})

it.each([
  ['run > log', '>'],
  ['run && run', '&&'],
  ['run # it', '#'],
])('%s is refused, for there is no shell', (line, sign) => {
  const reason = `it is run without a shell, and "${sign}" means nothing then`
  expect(splitCommandLine(line)).toEqual({ reason })
})

it('a server with such a start is left out, with its place in the file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'command-line-')), 'servers.yaml')
  writeFileSync(file, 'servers:\n  a:\n    url: http://localhost:1/\n    start: run > log')
  const { invalid } = readServers(file, {})
  expect(invalid[0]?.problems).toEqual([
    expect.stringMatching(
      /:4:12: .*it is run without a shell, and ">" means nothing then; quote it, or start a script that does it$/,
    ),
  ])
})
