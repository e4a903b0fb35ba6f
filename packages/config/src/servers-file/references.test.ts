import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Env } from '../environment.js'
import { readServers } from './read.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'references-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (text: string, env: Env = {}) => {
  const file = join(folder, 'servers.yaml')
  writeFileSync(file, text)
  const { backends, invalid } = readServers(file, env)
  const [endpoint] = backends.find(({ name }) => name === 'a')?.endpoints ?? []
  return { endpoint, wrong: invalid.map(({ name, problems }) => [name, problems.length]) }
}

const textOf = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), 'utf8')

describe('the samples of the project, with their variable set', () => {
  const env = { WEATHER_TOKEN: 'w', HOME: '/home/ada', NOT_YET_SET: undefined }
  // Commented out in the one, among other code blocks in the other.
  const commented = /^ {2}# weather:\n(?: {2}# {3}.*\n)+/m
  const samples = {
    'mcp-servers.yaml': () =>
      `servers:\n${(commented.exec(textOf('mcp-servers.yaml'))?.[0] ?? '').replace(/^ {2}# /gm, '  ')}`,
    'packages/config/README.md': () =>
      (/```yaml\n(servers:\n[\s\S]*?)```/.exec(textOf('packages/config/README.md'))?.[1] ?? '')
        // Only root may name another user, and the file of variables is not there.
        .replace(/^ *(user|envFile):.*\n/gm, ''),
  }

  it.each(Object.entries(samples))('%s sends the token', (_, sample) => {
    const file = join(folder, 'servers.yaml')
    writeFileSync(file, sample())
    const { backends, invalid } = readServers(file, env)
    expect(invalid).toEqual([])
    const weather = backends.find(({ name }) => name === 'weather')
    expect(weather?.endpoints[0]).toMatchObject({ headers: { authorization: 'Bearer w' } })
  })
})

describe('a reference to a variable', () => {
  it.each(['authorization', 'version', 'title', 'source', 'disabled', 'enabled', 'config'])(
    'is replaced in the header %s',
    (name) => {
      const { endpoint } = read(
        `servers: { a: { url: http://a/, headers: { ${name}: "\${T}" } } }`,
        {
          T: 'false',
        },
      )
      expect(endpoint).toMatchObject({ headers: { [name]: 'false' } })
    },
  )

  it.each(['auth', 'settings', 'name', 'version', 'source', 'title', 'tools', 'disabled'])(
    'is replaced in the variable %s of a command',
    (name) => {
      const { endpoint } = read(`servers: { a: { command: x, env: { ${name}: "\${T}" } } }`, {
        T: 't',
      })
      expect(endpoint).toMatchObject({ env: { [name]: 't' } })
    },
  )

  it('is replaced beside a header "disabled: true"', () => {
    const text = 'servers: { a: { url: http://a/, headers: { disabled: "true", k: "${T}" } } }'
    expect(read(text, { T: 't' }).endpoint).toMatchObject({ headers: { k: 't' } })
  })

  it('is replaced in what a disabled server holds for others', () => {
    const text =
      'servers:\n  base: &base { disabled: true, url: http://a/, headers: { k: "${T}" } }\n  a: { <<: *base, disabled: false }'
    expect(read(text, { T: 't' }).endpoint).toMatchObject({ headers: { k: 't' } })
    expect(read(text).wrong).toEqual([['a', 1]])
  })

  it('that is not set leaves out the server that has it', () => {
    const text = 'servers: { a: { url: http://a/, headers: { authorization: "${T}" } } }'
    expect(read(text).wrong).toEqual([['a', 1]])
  })

  it('that is not set matters neither in what nothing reads nor in what is disabled', () => {
    const text =
      'servers: { a: { url: http://a/, description: "${T}", oauth: { id: "${T}" } }, b: { disabled: true, url: "${T}" } }'
    expect(read(text)).toMatchObject({ endpoint: { url: 'http://a/' }, wrong: [] })
  })

  it('that is not set in one server is no problem of another that writes it as plain text', () => {
    const text =
      'servers: { a: { url: http://a/, headers: { k: "$${T}" } }, b: { url: http://b/, headers: { k: "${T}" } } }'
    const { endpoint, wrong } = read(text)
    expect(endpoint).toMatchObject({ headers: { k: '${T}' } })
    expect(wrong).toEqual([['b', 1]])
  })

  it('that is not set is a problem of the server that an alias brings it to', () => {
    const text = 'x-all: &all { a: { url: http://a/, headers: { k: "${T}" } } }\nservers: *all'
    expect(read(text).wrong).toEqual([['a', 1]])
  })

  it.each(['${PORT_1:-8071}', '${env:PORT_1}', '{env:PORT_1}'])(
    'is named where its value (%s) makes no URL',
    (reference) => {
      const file = join(folder, 'servers.yaml')
      writeFileSync(file, `servers: { a: { url: "http://127.0.0.1:${reference}/mcp" } }`)
      expect(readServers(file, { PORT_1: 'abc' }).invalid[0]?.problems).toEqual([
        `${file}:1:22: server "a": "http://127.0.0.1:abc/mcp" is not a URL; correct PORT_1, or write http://host:port/path`,
      ])
    },
  )
})
