import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@mcp-router/testkit/process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const cli = pathOf('packages/cli/dist/main.js')
const everything = pathOf('node_modules/@modelcontextprotocol/server-everything/dist/index.js')

let folder: string
let child: ChildProcess
let text: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-command-'))
  const servers = { everything: { command: process.execPath, args: [everything] } }
  writeFileSync(join(folder, 'servers.json'), JSON.stringify({ mcpServers: servers }))
})
afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true })
})

const serve = (...args: readonly string[]): void => serveWith({}, ...args)

const serveWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]): void => {
  text = ''
  child = spawn(process.execPath, [cli, 'serve', '--servers', 'servers.json', ...args], {
    cwd: folder,
    env: { ...process.env, REDIS_URL: '', HOST: '', ACCESS_TOKEN: '', MCP_RUN_DIR: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout!.on('data', (bytes: Buffer) => (text += bytes.toString()))
  child.stderr!.on('data', (bytes: Buffer) => (text += bytes.toString()))
}

const address = async (): Promise<string> => {
  await expect.poll(() => text, { timeout: 20_000 }).toMatch(/http:\/\/127\.0\.0\.1:\d+/)
  return /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0]
}

const work = (base: string, seconds: number): Promise<Response> =>
  fetch(`${base}/mcp/router/route/everything`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'trigger-long-running-operation',
        arguments: { duration: seconds, steps: 2 },
      },
    }),
  })

const isUnderWay = async (base: string): Promise<boolean> => {
  const response = await fetch(`${base}/api/status`)
  const { instance } = (await response.json()) as { instance: { calls: number } }
  return instance.calls > 0
}

const isClosed = (base: string): Promise<boolean> =>
  fetch(base).then(
    () => false,
    () => true,
  )

describe('the command serve', () => {
  it('finishes what is under way when it is told to end', async () => {
    serve('--port', '0')
    const base = await address()
    const answer = work(base, 3)
    await expect.poll(() => isUnderWay(base)).toBe(true)
    child.kill('SIGTERM')
    expect(await answer.then((response) => response.json())).toHaveProperty('result')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('ends at once at the second signal', async () => {
    serve('--port', '0')
    const base = await address()
    const answer = work(base, 30).catch(() => undefined)
    await expect.poll(() => isUnderWay(base)).toBe(true)
    child.kill('SIGINT')
    await expect.poll(() => isClosed(base)).toBe(true)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([1, null])
    await answer
  })

  it('names a server with a start line that nobody has started', async () => {
    const server = { url: 'http://127.0.0.1:1/mcp', start: 'node server.js' }
    writeFileSync(join(folder, 'servers.json'), JSON.stringify({ mcpServers: { mine: server } }))
    serve('--port', '0')
    await expect
      .poll(() => text, { timeout: 20_000 })
      .toContain(`server "mine" does not run at ${server.url}, and serve starts none`)
  })

  it('tells servers with a mistake from those that are disabled, also after a change', async () => {
    const file = join(folder, 'servers.json')
    const mcpServers = { wrong: { ulr: 'x' }, off: { disabled: true }, on: { command: 'x' } }
    writeFileSync(file, JSON.stringify({ mcpServers }))
    serve('--port', '0')
    const base = await address()
    const status = (): Promise<unknown> =>
      fetch(`${base}/api/status`).then((response) => response.json())
    expect(await status()).toMatchObject({
      backends: [{ name: 'on' }],
      invalid: [{ name: 'wrong', problems: [expect.stringContaining('ulr')] }],
      disabled: ['off'],
    })
    const on = { url: 'http://127.0.0.1:1/' }
    writeFileSync(file, JSON.stringify({ mcpServers: { ...mcpServers, wrong: on, off: on } }))
    await expect.poll(status).toMatchObject({ invalid: [], disabled: [] })
  })

  it('names it with a run directory of its own, too', async () => {
    const server = { url: 'http://127.0.0.1:1/mcp', start: 'node server.js' }
    writeFileSync(join(folder, 'servers.json'), JSON.stringify({ mcpServers: { mine: server } }))
    serveWith({ MCP_RUN_DIR: join(folder, 'run') }, '--port', '0')
    await expect
      .poll(() => text, { timeout: 20_000 })
      .toContain(`server "mine" does not run at ${server.url}, and serve starts none`)
  })

  it.each([{}, { CLUSTER_SECRET: 'a-secret-of-a-test' }])(
    'says at once and at the end where it looks for Redis, and no password (%j)',
    async (env) => {
      const url = 'redis://me:hunter2@127.0.0.1:1/0'
      serveWith({ REDIS_URL: url, ...env }, '--port', '0')
      const ended = once(child, 'close')
      const waiting = 'mcp-router: waiting for Redis at redis://127.0.0.1:1/0 (connection refused)'
      await expect.poll(() => text, { timeout: 5_000 }).toContain(waiting)
      expect(child.exitCode).toBeNull()
      expect(await ended).toEqual([1, null])
      const said = text.split('\n').filter((line) => line.startsWith('mcp-router: '))
      expect(said).toEqual([
        waiting,
        'mcp-router: REDIS_URL redis://127.0.0.1:1/0: connection refused; start Redis or correct REDIS_URL',
      ])
      expect(text).not.toContain('hunter2')
    },
  )

  it('says in one line that its log file cannot be written', async () => {
    serveWith({ LOG_FILE: folder }, '--port', '0')
    expect(await once(child, 'close')).toEqual([1, null])
    expect(text.split('\n').filter((line) => line.startsWith('mcp-router: '))).toEqual([
      `mcp-router: LOG_FILE: ${folder} cannot be written (EISDIR: illegal operation on a directory); name a file that can be, or leave it out: log lines then go to standard output`,
    ])
  })

  it('serves and ends with a log file on a full disk', async () => {
    const port = await freePorts(1)
    serveWith({ LOG_FILE: '/dev/full' }, '--port', String(port))
    const base = `http://127.0.0.1:${port}`
    await expect
      .poll(
        () =>
          fetch(`${base}/ready`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200)
    for (let n = 0; n < 20; n++) expect((await work(base, 0)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(text).toBe('mcp-router: logging: ENOSPC: no space left on device, write\n')
  })

  it('says in one line that its port is busy', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as AddressInfo
    serve('--port', String(port))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(text).toMatch(new RegExp(`^mcp-router: .*${port}.*set --port or PORT.*\n$`))
    squatter.close()
  })

  it('says in one line what is wrong with its options', async () => {
    serve('--port', 'http')
    expect(await once(child, 'close')).toEqual([1, null])
    expect(text).toBe(
      'mcp-router: --port: "http" is not a whole number from 0 to 65535; correct --port or leave it out\n',
    )
  })
})
