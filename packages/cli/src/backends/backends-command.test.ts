import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createProgram } from '../program.js'

/** A command that answers each request with what `answer` makes of its `message`. */
const command = (answer: string) => ({
  command: process.execPath,
  args: [
    '-e',
    `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const message = JSON.parse(line)
      if (message.id === undefined) return
      console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(${answer}) }))
    })`,
  ],
})

const modern = command(`{ result: { supportedVersions: ['2026-07-28'],
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'new', version: '3' } } } }`)
const legacy = command(`message.method === 'initialize'
  ? { result: { protocolVersion: '2025-06-18', serverInfo: { name: 'o\\u001bld', version: '1' } } }
  : { error: { code: -32601, message: 'Method not found' } }`)
const broken = { command: process.execPath, args: ['-e', "throw new Error('set TOKEN')"] }

const openHttp = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  // A server that listens on TCP has an AddressInfo.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

/** A server of 2024-11-05 that answers `initialize`. */
const openSse = (): Promise<string> => {
  let stream: ServerResponse | undefined
  return openHttp((req, res) => {
    if (req.method === 'GET') {
      stream = res.writeHead(200, { 'content-type': 'text/event-stream' })
      stream.write('event: endpoint\ndata: /message\n\n')
      return
    }
    if (req.url !== '/message') return void res.writeHead(405).end()
    void text(req).then((body) => {
      const { id } = JSON.parse(body) as { id?: unknown }
      res.writeHead(202).end()
      const result = { protocolVersion: '2024-11-05', capabilities: {} }
      stream?.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    })
  })
}

let folder: string
let said: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backends-command-'))
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  rmSync(folder, { recursive: true })
})

/** run types `mcp-router backends <args> --servers <a file of these>`. */
const run = async (servers: object, ...args: readonly string[]): Promise<void> => {
  const file = join(folder, 'servers.json')
  writeFileSync(file, JSON.stringify({ servers }))
  const program = createProgram({ PATH: process.env['PATH'] })
  await program.parseAsync(['backends', ...args, '--servers', file], { from: 'user' })
}

describe('backends list', () => {
  it('tells where the servers are', async () => {
    const weather = { era: 'modern', endpoints: [{ url: 'http://a/mcp' }, { url: 'http://b/mcp' }] }
    await run({ weather, files: { command: 'npx', args: ['-y', "it's"] } }, 'list')
    expect(said.split('\n')).toEqual([
      'server   state    transport  era     endpoints',
      'weather  enabled  auto       modern  http://a/mcp, http://b/mcp',
      String.raw`files    enabled  stdio      auto    npx -y 'it'\''s'`,
      '',
    ])
  })

  it('tells programs the same, and no secret', async () => {
    const headers = { authorization: 'Bearer secret' }
    await run({ weather: { url: 'http://me:secret@a/mcp', headers } }, 'list', '--json')
    expect(JSON.parse(said)).toEqual([
      {
        name: 'weather',
        state: 'enabled',
        era: 'auto',
        endpoints: [{ transport: 'auto', address: 'http://a/mcp' }],
      },
    ])
  })
})

describe('a command with a folder that does not exist', () => {
  const servers = { files: { command: process.execPath, cwd: 'none' } }

  it('is listed, and below it what is missing', async () => {
    const complained = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await run(servers, 'list')
    expect(said).toContain('files   enabled')
    expect(complained).toHaveBeenCalledWith(
      `server "files" cannot be started: there is no folder ${join(folder, 'none')}, its "cwd"; create it, or correct "cwd" in the servers file\n`,
    )
  })

  it('is told so by a probe', async () => {
    await run(servers, 'probe', 'files')
    expect(said).toContain(`FAILED      there is no folder ${join(folder, 'none')}, its "cwd"`)
    expect(said).toContain('to do       create it, or correct "cwd" in the servers file')
  })
})

describe('a server with a problem', () => {
  const servers = { weather: { url: 'http://a/mcp' }, notes: { ulr: 'x' } }
  const problem =
    /servers\.json:1:\d+: servers\.notes\.ulr: unknown key "ulr"; did you mean "url"\?/

  it('is listed as invalid, with its place in the file', async () => {
    await run(servers, 'list')
    expect(said.split('\n')[2]).toMatch(/^notes +invalid +/)
    expect(said).toMatch(problem)
  })

  it('is listed for programs', async () => {
    await run(servers, 'list', '--json')
    const listed = JSON.parse(said) as readonly object[]
    expect(listed[1]).toEqual({
      name: 'notes',
      state: 'invalid',
      problems: [expect.stringMatching(problem)],
    })
  })

  it('is an error where it is probed, or all must be right', async () => {
    await expect(run(servers, 'probe', 'notes')).rejects.toThrow(problem)
    await expect(run(servers, 'list', '--strict')).rejects.toThrow(problem)
  })
})

describe('a server that is disabled', () => {
  const servers = { weather: { url: 'http://a/mcp' }, 'my notes': { disabled: true } }

  it('is listed as that', async () => {
    await run(servers, 'list')
    expect(said.split('\n')[2]).toMatch(/^my-notes +disabled$/)
    said = ''
    await run(servers, 'list', '--json')
    expect((JSON.parse(said) as readonly object[])[1]).toEqual({
      name: 'my-notes',
      state: 'disabled',
    })
  })

  it('is not probed', async () => {
    await expect(run(servers, 'probe', 'my-notes')).rejects.toThrow(
      /^server "my-notes" is disabled in .*servers\.json$/,
    )
  })
})

describe('backends probe', () => {
  const lines = (): readonly string[] => said.split('\n').map((line) => line.trim())

  it('tells what each endpoint speaks, and how that was found out', async () => {
    await run({ both: { endpoints: [modern, legacy] } }, 'probe', 'both')
    expect(lines().filter((line) => /^(both|era|revisions|negotiated|server) /.test(line))).toEqual(
      [
        'era         modern (server/discover was answered)',
        'revisions   2026-07-28',
        'server      new 3',
        'era         legacy (server/discover was refused: -32601 Method not found)',
        'negotiated  2025-06-18',
        'server      o ld 1',
      ],
    )
    expect(lines()[0]).toBe('both: 2 endpoints, era auto')
    expect(process.exitCode).toBeUndefined()
  })

  it('takes the configured era for given, and opens a session to see', async () => {
    await run({ old: { era: 'legacy', ...legacy } }, 'probe', 'old', '--json')
    expect(JSON.parse(said)).toMatchObject({
      name: 'old',
      era: 'legacy',
      endpoints: [{ era: 'legacy', sign: 'as configured', revisions: ['2025-06-18'] }],
    })
  })

  it.each([
    ['a command that ends', broken, /^FAILED      exited with 1; stderr: Error: set TOKEN( \||$)/],
    [
      'no command',
      { command: 'no-such-command' },
      /^FAILED      there is no command "no-such-command" on the PATH$/,
    ],
    [
      'an era that is not so',
      { era: 'modern', ...legacy },
      /^FAILED      its era is configured as modern, but server\/discover was refused: -32601 Method not found$/,
    ],
  ])('says what is wrong with %s, and exits 1', async (_, server, line) => {
    await run({ server }, 'probe', 'server')
    expect(lines()).toContainEqual(expect.stringMatching(line))
    expect(process.exitCode).toBe(1)
  })

  it('finds out the transport of a url that names none', async () => {
    const url = await openSse()
    await run({ old: { url } }, 'probe', 'old')
    expect(lines()).toEqual(expect.arrayContaining(['transport   sse', 'negotiated  2024-11-05']))
  })

  it('says what to do where credentials are wanted', async () => {
    const url = await openHttp((_req, res) => void res.writeHead(401).end())
    await run({ server: { url } }, 'probe', 'server')
    expect(lines()).toContain('FAILED      server/discover: HTTP 401')
    expect(lines()).toContain(
      'to do       it wants credentials: give it "headers" in the servers file',
    )
  })

  it('says what to do where no server is at the path', async () => {
    const url = await openHttp((_req, res) => void res.writeHead(404).end())
    await run({ server: { url, transport: 'http' } }, 'probe', 'server')
    expect(lines()).toContain('FAILED      HTTP 404')
    expect(lines()).toContain(
      'to do       no MCP server is at this path: correct its url, or for HTTP+SSE its transport',
    )
  })

  it.each([400, 404, 405])('says what to do where a GET for SSE is answered %s', async (status) => {
    const url = await openHttp((_req, res) => void res.writeHead(status).end())
    await run({ server: { url, transport: 'sse' } }, 'probe', 'server')
    expect(lines()).toContain(`FAILED      HTTP ${status}`)
    expect(lines()).toContain(
      'to do       it may speak Streamable HTTP: remove "transport: sse", or correct its url',
    )
  })

  it('says what to do where a command ends', async () => {
    await run({ server: broken }, 'probe', 'server')
    expect(lines()).toContain('to do       check its args and env')
  })

  it('says what to do where a command begins with ~', async () => {
    await run({ server: { command: '~/bin/no-such' } }, 'probe', 'server')
    expect(lines()).toContain('to do       "~" is not expanded: write ${HOME} in its command')
  })

  it('names a servers file of another folder as it was given', async () => {
    const file = join(tmpdir(), 'of-nobody.yaml')
    writeFileSync(file, 'servers: { a: { url: "http://127.0.0.1:1/mcp" } }')
    onTestFinished(() => rmSync(file))
    const probing = createProgram({}).parseAsync(['backends', 'probe', 'c', '-s', file], {
      from: 'user',
    })
    await expect(probing).rejects.toThrow(`no server "c" in ${file}; it has a`)
  })

  it('says which servers there are when there is none of that name', async () => {
    const probing = run({ a: modern, b: modern }, 'probe', 'c')
    await expect(probing).rejects.toThrow(/^no server "c" in .*servers\.json; it has a, b$/)
  })
})
