import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inherited } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cli } from '../harness/paths.js'

/** A server with one tool that must not run twice and takes as long as `release` is not called. */
const openSlowServer = async () => {
  const ran: unknown[] = []
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  const answer = async (text: string): Promise<object | undefined> => {
    const { id, method, params } = JSON.parse(text) as {
      id?: number
      method: string
      params: { protocolVersion: string; arguments?: { nonce: unknown } }
    }
    if (id === undefined) return undefined
    const serverInfo = { name: 'slow', version: '1' }
    const { protocolVersion } = params
    if (method === 'initialize')
      return { id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } }
    if (method === 'tools/list')
      return { id, result: { tools: [{ name: 'append', inputSchema: { type: 'object' } }] } }
    if (method !== 'tools/call') return { id, error: { code: -32601, message: 'Method not found' } }
    ran.push(params.arguments?.nonce)
    await released
    return { id, result: { content: [] } }
  }
  const server = createServer((req, res) => {
    let text = ''
    req.on('data', (bytes: Buffer) => (text += bytes.toString()))
    req.on('end', () => {
      if (req.method !== 'POST') return void res.writeHead(405).end()
      void answer(text).then((result) => {
        const head = { 'content-type': 'application/json' }
        if (result === undefined) res.writeHead(202).end()
        else res.writeHead(200, head).end(JSON.stringify({ jsonrpc: '2.0', ...result }))
      })
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/mcp`, ran, release }
}

interface Outcome {
  readonly nonce: number
  /** 0: the connection was closed before anything was answered. */
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

/** start is an instance before that server, which may have no more than 180 descriptors. */
const start = async () => {
  const server = await openSlowServer()
  const folder = mkdtempSync(join(tmpdir(), 'descriptors-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [servers, log] = [join(folder, 'servers.json'), join(folder, 'router.log')]
  writeFileSync(servers, JSON.stringify({ servers: { slow: { url: server.url } } }))
  const child = spawn(
    'sh',
    ['-c', 'ulimit -n 180; exec "$@"', 'sh', process.execPath, cli, 'serve', '--port', '0'],
    {
      env: {
        ...inherited(),
        MCP_SERVERS_FILE: servers,
        LOG_FILE: log,
        MCP_ENDPOINT_PATIENCE_MS: '300',
      },
      stdio: 'ignore',
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = (): string => readFileSync(log, { encoding: 'utf8', flag: 'a+' })
  const address = (): string | undefined => /"address":"([^"]+)"/.exec(lines())?.[1]
  const base = await until('the instance', address, 30_000)
  const agent = new Agent({ keepAlive: false })
  const call = (nonce: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/json' }
      const options = { method: 'POST', headers, agent }
      const req = request(`${base}/mcp/router/route/slow`, options, (res: IncomingMessage) => {
        let text = ''
        res.on('data', (bytes: Buffer) => (text += bytes.toString()))
        res.on('close', () =>
          resolve({
            nonce,
            status: res.statusCode ?? 0,
            retryAfter: res.headers['retry-after'],
            text,
          }),
        )
      })
      req.on('error', ({ message }) =>
        resolve({ nonce, status: 0, retryAfter: undefined, text: message }),
      )
      const params = { name: 'append', arguments: { nonce } }
      req.end(JSON.stringify({ jsonrpc: '2.0', id: nonce, method: 'tools/call', params }))
    })
  return { server, call, lines }
}

describe('an instance that has used up its descriptors', () => {
  it('answers 503 to calls that did not run, and goes on', async () => {
    const { server, call, lines } = await start()
    const settled: Outcome[] = []
    const calls = Array.from({ length: 240 }, (_, n) =>
      call(n).then((outcome) => settled.push(outcome)),
    )
    // Those that run hold their descriptors until all others were refused.
    const isSettled = (): boolean => settled.length + server.ran.length >= 240
    await until('all calls to be running or refused', isSettled)
    server.release()
    await Promise.all(calls)
    const of = (status: number): readonly Outcome[] =>
      settled.filter((each) => each.status === status)
    expect(settled.filter(({ status }) => ![0, 200, 503].includes(status))).toEqual([])
    const ran = new Set(server.ran)
    expect(server.ran).toHaveLength(ran.size)
    expect(of(503).filter(({ nonce }) => ran.has(nonce))).toEqual([])
    expect(of(200).filter(({ nonce }) => !ran.has(nonce))).toEqual([])
    // An outcome that is not known would be an answer, too.
    expect(of(200).filter(({ text }) => !text.includes('"result"'))).toEqual([])
    expect(of(503).length).toBeGreaterThan(0)
    expect(of(503).filter(({ retryAfter }) => retryAfter === undefined)).toEqual([])
    // It goes on, and has logged what it refused.
    expect((await call(240)).status).toBe(200)
    const refused = (): number => lines().match(/"status":503/g)?.length ?? 0
    await until('the log', () => refused() >= of(503).length)
  })

  it('goes on to take connections, so that clients hear of it', async () => {
    const { server, call } = await start()
    const running: Promise<Outcome>[] = []
    for (let refused: Outcome | undefined; !refused;) {
      const { length } = server.ran
      const calling = call(length)
      void calling.then((outcome) => (refused = outcome))
      const isOver = (): boolean => refused !== undefined || server.ran.length > length
      await until('the call to run or to be refused', isOver)
      running.push(calling)
    }
    const more = await Promise.all(Array.from({ length: 8 }, (_, n) => call(1_000 + n)))
    expect(more.map(({ status }) => status)).toEqual(more.map(() => 503))
    server.release()
    const outcomes = await Promise.all(running)
    expect(outcomes.map(({ status }) => status)).toEqual([...server.ran.map(() => 200), 503])
  })
})
