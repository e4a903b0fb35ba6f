import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Env } from '../environment.js'
import { readServers } from './read.js'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'servers-file-'))
  file = join(folder, 'servers.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (text: string, env: Env = {}) => {
  writeFileSync(file, text)
  return readServers(file, env, { strict: true }).backends
}

const endpointOf = (text: string, env: Env = {}) => read(text, env)[0]!.endpoints[0]!

describe('what a servers file may say', () => {
  it('gives a url the http transport, a weight and a minute for a call', () => {
    expect(read('servers: { weather: { url: http://127.0.0.1:8071/mcp } }')).toEqual([
      {
        name: 'weather',
        deadlineMs: 300_000,
        era: 'auto',
        retry: 'safe',
        endpoints: [
          {
            transport: 'http',
            id: 'weather#1',
            url: 'http://127.0.0.1:8071/mcp',
            weight: 1,
            headers: {},
            isAuto: true,
          },
        ],
      },
    ])
  })

  it.each(['http', 'sse', 'streamable-http'])('takes a transport that is named: %s', (type) => {
    expect(endpointOf(`servers: { a: { url: http://a/, type: ${type} } }`)).not.toHaveProperty(
      'isAuto',
    )
  })

  it('takes a list of endpoints, of both kinds', () => {
    const [backend] = read(`
servers:
  mixed:
    deadline: 1.5
    endpoints:
      - url: http://a/mcp
        weight: 2
        headers: { X-Token: 0123 }
      - command: node
        args: [server.js, 8080]
        env: { LEVEL: 1 }
        cwd: sub
`)
    expect(backend).toMatchObject({
      deadlineMs: 1_500,
      era: 'auto',
      retry: 'safe',
      endpoints: [
        { weight: 2, headers: { 'x-token': '0123' } },
        {
          transport: 'stdio',
          id: 'mixed#2',
          command: 'node',
          args: ['server.js', '8080'],
          env: { LEVEL: '1' },
          cwd: join(folder, 'sub'),
        },
      ],
    })
  })

  it('reads JSON as other MCP programs write it', () => {
    const json = {
      mcpServers: {
        a: { type: 'streamable-http', url: 'http://a/mcp' },
        b: { type: 'sse', url: 'http://b/sse' },
        c: { type: 'stdio', command: 'c', args: ['--x'], env: {} },
        d: { transport: 'streamableHttp', url: 'http://d/mcp' },
      },
    }
    const transports = read(JSON.stringify(json)).map(({ endpoints }) => endpoints[0]!.transport)
    expect(transports).toEqual(['http', 'sse', 'stdio', 'http'])
  })

  it('substitutes variables, their defaults, and keeps what is escaped', () => {
    const text = `
servers:
  a:
    command: run
    args: ["\${A}", "\${B:-b}", "\${C:-c}", "$\${D}", "x\${A}y\${A}"]
`
    expect(endpointOf(text, { A: '1', C: '' })).toMatchObject({
      args: ['1', 'b', 'c', '${D}', 'x1y1'],
    })
  })

  it('substitutes numbers, too', () => {
    const text = 'servers: { a: { url: http://a/, deadline: "${D}", weight: "${W:-3}" } }'
    const [backend] = read(text, { D: '5' })
    expect(backend).toMatchObject({ deadlineMs: 5_000, endpoints: [{ weight: 3 }] })
  })

  it('leaves a disabled server out, unfinished as it may be', () => {
    const text = 'servers: { a: { disabled: true, url: "${NOPE}" }, b: { url: http://b/ } }'
    expect(read(text).map(({ name }) => name)).toEqual(['b'])
  })

  it('moves user and password from the URL to a header', () => {
    expect(endpointOf('servers: { a: { url: "http://me:s%20t@a/mcp" } }')).toMatchObject({
      id: 'a#1',
      headers: { authorization: `Basic ${Buffer.from('me:s t').toString('base64')}` },
    })
  })

  it.each(['http://bob:S3%zzcret@host/', 'http://S3%@host/', 'http://bob:S3%E9cret@host/'])(
    'leaves out only the server whose URL has a stray % in user or password: %s',
    (url) => {
      writeFileSync(file, `servers:\n  a: { url: "${url}" }\n  b: { url: http://b/ }`)
      const { backends, invalid } = readServers(file, {})
      expect(backends.map(({ name }) => name)).toEqual(['b'])
      expect(invalid).toEqual([
        {
          name: 'a',
          problems: [
            `${file}:2:13: server "a": user or password of its url cannot be decoded; write "%" in them as "%25"`,
          ],
        },
      ])
    },
  )

  it('names the variable that brought a stray % into the URL', () => {
    writeFileSync(file, 'servers: { a: { url: "http://bob:${PW}@host/" } }')
    expect(readServers(file, { PW: '50%zz' }).invalid[0]!.problems[0]).toMatch(
      /cannot be decoded; correct PW, or write "%" in them as "%25"$/,
    )
  })

  it('takes a % that is written so', () => {
    expect(endpointOf('servers: { a: { url: "http://me:S3%25zz@a/" } }')).toMatchObject({
      headers: { authorization: `Basic ${Buffer.from('me:S3%zz').toString('base64')}` },
    })
  })

  it('takes anchors from keys that begin with x-', () => {
    const text = `
x-slow: &slow { deadline: 600 }
servers:
  a:
    <<: *slow
    url: http://a/
`
    expect(read(text)[0]).toMatchObject({ deadlineMs: 600_000 })
  })

  it('tells apart what the cluster command starts', () => {
    const start = 'node server.js  --port ${P}'
    writeFileSync(file, `servers: { a: { url: "http://localhost:\${P}/mcp", start: "${start}" } }`)
    const { backends, managed } = readServers(file, { P: '8074' })
    expect(managed).toEqual([
      {
        backend: 'a',
        url: 'http://localhost:8074/mcp',
        port: 8074,
        command: 'node',
        args: ['server.js', '--port', '8074'],
        env: {},
        cwd: folder,
      },
    ])
    expect(backends[0]!.endpoints[0]).not.toHaveProperty('start')
  })
})

it.each([
  ['', '.'],
  ['    cwd: sub\n', 'sub'],
  ['    cwd: /tmp\n', '/tmp'],
])('a command runs in the folder of the file, or in a cwd seen from it (%j)', (line, expected) => {
  const text = `servers:\n  a:\n    command: ./run\n${line}`
  expect(read(text)[0]?.endpoints[0]).toMatchObject({ cwd: resolve(folder, expected) })
})
