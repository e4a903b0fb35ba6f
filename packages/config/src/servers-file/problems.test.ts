import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../config-error.js'
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
  return readServers(file, env, { strict: true })
}

/** Place and text of every problem, as it is printed. */
const problemsOf = (text: string, env: Env = {}): readonly string[] => {
  try {
    read(text, env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(
      ({ line, column, reason, advice }) => `${line}:${column} ${reason}; ${advice}`,
    )
  }
  return []
}

describe('what is wrong with a servers file', () => {
  const cases: readonly (readonly [what: string, text: string, ...told: string[]])[] = [
    [
      'a misspelt key',
      'servers:\n  a:\n    ulr: http://a/',
      '3:5 servers.a.ulr: unknown key "ulr"; did you mean "url"?',
    ],
    [
      'a key that nothing reads, beside a list of endpoints',
      'servers:\n  a:\n    endpoints: [{ url: http://a/ }]\n    colour: red',
      '4:5 servers.a.colour: unknown key "colour"; known are endpoints, deadline, disabled, era, retry',
    ],
    [
      'a deadline that no timer can wait for',
      'servers:\n  a:\n    url: http://a/\n    deadline: 2073601',
      '4:15 servers.a.deadline: "2073601" is not a number of seconds from 0.001 to 2073600; correct it or leave it out',
    ],
    [
      'a weight that is not finite',
      `servers:\n  a:\n    url: http://a/\n    weight: 1${'0'.repeat(400)}`,
      `4:13 servers.a.weight: "1${'0'.repeat(400)}" is not a number from 0 to 1000000; correct it or leave it out`,
    ],
    [
      'a misspelt top key',
      'server:\n  a: { url: http://a/ }',
      '1:1 unknown key "server"; did you mean "servers"?',
    ],
    [
      'a key of the other kind of endpoint',
      'servers:\n  a:\n    url: http://a/\n    args: [x]',
      '4:5 servers.a.args: only an endpoint with a command has "args"; remove it',
    ],
    [
      'a key beside the list of endpoints',
      'servers:\n  a:\n    endpoints: [{ url: http://a/ }]\n    headers: {}',
      '4:5 servers.a.headers: "headers" belongs into the entries of "endpoints"; remove it',
    ],
    [
      'a name that is defined twice',
      'servers:\n  a: { url: http://a/ }\n  a: { url: http://b/ }',
      '3:3 "a" is defined twice; rename or remove one',
    ],
    [
      'a name that cannot stand in a path',
      'servers:\n  ---: { url: http://a/ }',
      '2:3 "---" cannot name a server; use letters, digits, ".", "_" and "-", at most 64, a letter or digit first',
    ],
    [
      'a URL that is none',
      'servers:\n  a:\n    url: localhost/mcp',
      '3:10 server "a": "localhost/mcp" is not a URL; write http://host:port/path',
    ],
    [
      'a URL of another scheme',
      'servers:\n  a:\n    url: ftp://a/',
      '3:10 server "a": "ftp://a/" is not a URL; write http://host:port/path',
    ],
    [
      'a URL with the port 0',
      'servers:\n  a:\n    url: http://a:0/mcp',
      '3:10 server "a": nothing listens on port 0; write http://host:port/path',
    ],
    ...(
      [
        ['command', 'command: "node\\0"', '3:14'],
        ['args[1]', 'command: node\n    args: [x, "a\\0b"]', '4:15'],
        ['env.KEY', 'command: node\n    env: { KEY: "a\\0b" }', '4:17'],
        ['cwd', 'command: node\n    cwd: "a\\0b"', '4:10'],
        ['start', 'url: http://localhost:1/\n    start: "node \\0"', '4:12'],
      ] as const
    ).map(
      ([key, text, place]) =>
        [
          `a NUL character in ${key}`,
          `servers:\n  a:\n    ${text}`,
          `${place} servers.a.${key}: has a NUL character, which no process can be given; correct it or leave it out`,
        ] as const,
    ),
    [
      'a weight below zero',
      'servers:\n  a:\n    url: http://a/\n    weight: -1',
      '4:13 servers.a.weight: "-1" is not a number from 0 to 1000000; correct it or leave it out',
    ],
    [
      'a deadline that is no number',
      'servers:\n  a:\n    url: http://a/\n    deadline: soon',
      '4:15 servers.a.deadline: "soon" is not a number of seconds from 0.001 to 2073600; correct it or leave it out',
    ],
    [
      'a server with nothing below it',
      'servers:\n  a:\n',
      '2:3 server "a" has no endpoint; give it a url or a command',
    ],
    [
      'a server without url and command',
      'servers:\n  a:\n    deadline: 3',
      '3:5 server "a": has no endpoint; give it a url or a command',
    ],
    [
      'an empty list of endpoints',
      'servers:\n  a:\n    endpoints: []',
      '3:16 servers.a.endpoints: there is no endpoint; correct it or leave it out',
    ],
    [
      'both a url and a command',
      'servers:\n  a:\n    url: http://a/\n    command: x',
      '4:14 server "a": has both a url and a command; keep one of them',
    ],
    [
      'the same URL twice in one server',
      'servers:\n  a:\n    endpoints:\n      - url: http://a/\n      - url: http://a',
      '5:14 server "a": endpoints 1 and 2 are the same; keep one and give it a weight',
    ],
    [
      'an unknown transport',
      'servers:\n  a:\n    url: http://a/\n    transport: smoke',
      '4:16 servers.a.transport: "smoke" is not one of http, sse, stdio, streamable-http; correct it or leave it out',
    ],
    [
      'a transport that does not fit',
      'servers:\n  a:\n    command: x\n    transport: sse',
      '3:14 server "a": sse takes a url, not a command; use stdio',
    ],
    [
      'text where a list belongs',
      'servers:\n  a:\n    command: x\n    args: y',
      '4:11 servers.a.args: must be a list; correct it or leave it out',
    ],
    [
      'a list where text belongs',
      'servers:\n  a:\n    command: x\n    args: [[y]]',
      '4:12 servers.a.args[0]: must be text; correct it or leave it out',
    ],
    [
      'a header that would end the headers',
      'servers:\n  a:\n    url: http://a/\n    headers: { x: "a\\r\\nb" }',
      '4:19 server "a": not a valid HTTP header; correct it',
    ],
    [
      'a header that the router writes itself',
      'servers:\n  a:\n    url: http://a/\n    headers: { x: y, Content-Length: 3 }',
      '4:38 server "a": the router writes the header "Content-Length" itself; remove it',
    ],
    [
      'a table without a server',
      '{\n "mcpServers": {} }',
      '2:2 there is no server in "mcpServers"; write names with their url or command below it',
    ],
    [
      'a table that holds only parts of the program that wrote it',
      'extensions:\n  developer: { type: builtin, enabled: true }',
      '1:1 there is no server in "extensions"; write names with their url or command below it',
    ],
    [
      'a start of a server elsewhere',
      'servers:\n  a:\n    url: http://a.example/\n    start: run',
      '4:12 server "a": only a server on this machine can be started; remove it',
    ],
    [
      'a variable that is not set',
      'servers:\n  a:\n    url: http://${HOST_OF_A}/mcp',
      '3:17 the environment variable HOST_OF_A is not set; set it, or give a default: ${HOST_OF_A:-value}',
    ],
    [
      'what only looks like a variable',
      'servers:\n  a:\n    command: x\n    args: ["${1}"]',
      '4:13 "${1}" is not a variable; write ${NAME} or ${NAME:-default}, or $${ for a plain ${',
    ],
    ['an empty file', '', '1:1 there is no "servers" in it; add the key "servers:"'],
    [
      'both top keys',
      'servers: {}\nmcpServers: {}',
      '2:1 both "servers" and "mcpServers"; keep one',
    ],
    [
      'a list of servers',
      'servers:\n  - url: http://a/',
      '2:3 "servers" must be a map of servers; write names with their url or command below it',
    ],
  ]

  it.each([
    ...['content-length', 'Transfer-Encoding', 'connection', 'upgrade', 'TE', 'expect'],
    ...['mcp-session-id', 'MCP-Protocol-Version', 'mcp-method', 'Mcp-Param-City', 'last-event-id'],
    ...['accept', 'accept-encoding', 'content-type', 'content-encoding', 'traceparent'],
  ])('refuses the header %s, which the router writes itself', (name) => {
    const text = `servers: { a: { endpoints: [{ url: http://a/, headers: { ${name}: x } }] } }`
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(`the router writes the header "${name}" itself; remove it`),
    ])
  })

  it.each(['authorization', 'cookie', 'user-agent', 'origin', 'host', 'x-mcp', 'baggage'])(
    'takes the header %s',
    (name) => {
      expect(problemsOf(`servers: { a: { url: http://a/, headers: { ${name}: x } } }`)).toEqual([])
    },
  )

  it.each(cases)('tells of %s', (_what, text, ...told) => {
    expect(problemsOf(text)).toEqual(told)
  })

  it('tells where the syntax is broken', () => {
    expect(problemsOf('servers:\n  a: { url: http://a/ \n')[0]).toMatch(/^3:1 not valid YAML/)
    expect(problemsOf('{"servers": {"a": }}}')[0]).toMatch(/^1:21 not valid YAML or JSON/)
  })

  it('tells several problems at once, in the order of the file', () => {
    const text = 'servers:\n  a: { ulr: x }\n  b: { url: "${B}" }\n  c: { url: x }'
    expect(problemsOf(text).map((told) => told.split(' ')[0])).toEqual(['2:8', '3:14', '4:13'])
  })

  it('names file, line, column, reason and advice in its message', () => {
    expect(() => read('servers:\n  a:\n')).toThrow(
      `${file}:2:3: server "a" has no endpoint; give it a url or a command`,
    )
  })

  it('says when there is no file, or it cannot be read', () => {
    const missing = join(folder, 'none.yaml')
    expect(() => readServers(missing, {})).toThrow(`${missing}: there is no such file`)
    expect(() => readServers(folder, {})).toThrow(
      'it cannot be read: it is a folder, and a regular file is needed; correct that, or',
    )
  })
})

describe('a server with a problem', () => {
  const text = 'servers:\n  a: { ulr: x }\n  b: { url: "${B}" }\n  c: { url: http://c/ }'

  it('is left out, and the others are read', () => {
    writeFileSync(file, text)
    const { backends, invalid } = readServers(file, {})
    expect(backends.map(({ name }) => name)).toEqual(['c'])
    expect(invalid).toEqual([
      { name: 'a', problems: [expect.stringContaining(`${file}:2:8: servers.a.ulr: unknown key`)] },
      {
        name: 'b',
        problems: [expect.stringContaining(`${file}:3:14: the environment variable B`)],
      },
    ])
  })

  it('is told of what it merged: an anchor whose variable is not set concerns those that use it', () => {
    const anchor = 'x-auth: &auth { headers: { a: "${TOKEN}" } }\n'
    const using = 'servers:\n  a: { <<: *auth, url: http://a/ }\n  b: { url: http://b/ }'
    writeFileSync(file, anchor + using)
    const { backends, invalid } = readServers(file, {})
    expect(backends.map(({ name }) => name)).toEqual(['b'])
    expect(invalid.map(({ name }) => name)).toEqual(['a'])
  })

  it.each(['servers: [', 'server: {}', 'servers: x', '{"mcpServers": {'])(
    'is one thing, a file that says nothing (%s) another',
    (broken) => {
      writeFileSync(file, broken)
      expect(() => readServers(file, {})).toThrow(ConfigError)
    },
  )
})
