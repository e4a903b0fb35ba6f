import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readServers } from './read.js'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'env-names-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const read = (server: unknown) => {
  const file = join(folder, 'servers.json')
  writeFileSync(file, JSON.stringify({ servers: { a: server, b: { command: 'b' } } }))
  return readServers(file, {})
}

describe('the environment of a command', () => {
  it.each(['A=B', '=A', 'A\0B', ''])('has no variable of the name %j', (name) => {
    const env = { KEY: 'x', [name]: 'c' }
    for (const server of [{ command: 'a' }, { url: 'http://localhost:1/', start: 'a' }]) {
      const { backends, invalid } = read({ ...server, env })
      expect(backends.map((each) => each.name)).toEqual(['b'])
      expect(invalid).toEqual([
        {
          name: 'a',
          problems: [
            expect.stringContaining(
              `servers.a.env.${name}: no process can be given a variable of this name; `,
            ),
          ],
        },
      ])
    }
  })

  it.each(['A\0B=c', 'A=b\0c'])('takes no NUL character from a file: %j', (line) => {
    writeFileSync(join(folder, '.env'), line)
    expect(read({ command: 'a', envFile: '.env' }).invalid[0]?.problems[0]).toMatch(
      /server "a": envFile cannot be read: it is not text in UTF-8: it has NUL characters, as UTF-16 has; correct it/,
    )
  })

  it('takes no file of an empty path', () => {
    expect(read({ command: 'a', envFile: '' }).invalid[0]?.problems[0]).toMatch(
      /servers\.a\.envFile: the path is empty/,
    )
  })

  it.each(['A', 'a.b', 'npm_config_//registry/:_token', 'A-B', 'Ä'])('has %s', (name) => {
    expect(read({ command: 'a', env: { [name]: 'c' } }).backends[0]!.endpoints[0]).toMatchObject({
      env: { [name]: 'c' },
    })
  })
})
