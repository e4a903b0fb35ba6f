import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { post } from '../../harness/http.js'
import { response, toolCall } from '../../harness/rpc.js'
import { serve } from '../../harness/serve.js'
import type { Served } from '../../harness/serve.js'

/** An object for each of so many pieces would be some 400 MB. */
const pieces = 2_000_000
const atOnce = 20_000
const allowedBytes = 200 * 1024 * 1024

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const head = (type: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`
const end = '0\r\n\r\n'

/** What stands before the pieces, a piece, and what stands behind them. */
type Flood = readonly [string, string, string]

const floods: Readonly<Record<string, (answer: string) => Flood>> = {
  json: (answer) => [head('application/json'), chunk(' '), chunk(answer) + end],
  event: (answer) => [
    head('text/event-stream') + chunk('data: '),
    chunk(' '),
    chunk(`${answer}\n\n`) + end,
  ],
  lines: (answer) => [
    head('text/event-stream'),
    chunk('data\n'),
    chunk(`data: ${answer}\n\n`) + end,
  ],
}

const flood = async (socket: Socket, [before, piece, after]: Flood): Promise<void> => {
  const some = Buffer.from(piece.repeat(atOnce))
  socket.write(before)
  for (let sent = 0; sent < pieces && !socket.destroyed; sent += atOnce) {
    if (socket.write(some)) continue
    await new Promise<void>((free) => socket.once('drain', free).once('close', free))
  }
  socket.write(after)
}

const serveFloods = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
  const { id, method } = (await json(req)) as { id?: unknown; method: string }
  const kind = method === 'tools/call' ? floods[req.url?.slice(1) ?? ''] : undefined
  const answer = response(id, { protocolVersion: '2025-06-18', capabilities: {}, content: [] })
  if (!kind || !res.socket) {
    res.writeHead(id === undefined ? 202 : 200, { 'content-type': 'application/json' }).end(answer)
    return
  }
  await flood(res.socket, kind(answer))
  res.socket.end()
}

let server: Server
let served: Served
const folder = mkdtempSync(join(tmpdir(), 'mcp-test-'))

beforeAll(async () => {
  server = createServer((req, res) => void serveFloods(req, res).catch(() => res.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const names = ['calm', ...Object.keys(floods)]
  const entry = (name: string) => ({ url: `http://127.0.0.1:${port}/${name}`, era: 'legacy' })
  const servers = Object.fromEntries(names.map((name) => [name, entry(name)]))
  writeFileSync(join(folder, 'servers.yaml'), stringify({ servers }))
  served = await serve(['--servers', join(folder, 'servers.yaml')])
})
afterAll(async () => {
  await served.process.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const call = (name: string) => post(`${served.url}/mcp/router/route/${name}`, toolCall(1, 'x'))

/** How long the slowest of the calls took that others made meanwhile, ms. */
const slowestBeside = async (work: Promise<unknown>): Promise<number> => {
  let slowest = 0
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by `over`
  while (!isOver) {
    const from = performance.now()
    expect((await call('calm')).status).toBe(200)
    slowest = Math.max(slowest, performance.now() - from)
  }
  await over
  return slowest
}

/** memory is what the instance holds now, or the most that it ever held, bytes. */
const memory = (which: 'VmRSS' | 'VmHWM'): number => {
  const status = readFileSync(`/proc/${served.process.pid}/status`, 'utf8')
  return 1_024 * Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
}

it.each(Object.keys(floods))(
  'of an answer in pieces (%s) no more is held than its bytes',
  async (kind) => {
    await call('calm')
    const before = memory('VmRSS')
    expect(await slowestBeside(call(kind))).toBeLessThan(5_000)
    expect(memory('VmHWM') - before).toBeLessThan(allowedBytes)
  },
)

it('of a request in pieces no more is held than its bytes', async () => {
  const before = memory('VmRSS')
  const { hostname, port } = new URL(served.url)
  const socket = connect(Number(port), hostname)
  const answered = once(socket, 'data') as Promise<Buffer[]>
  const headers = 'Content-Type: application/json\r\nTransfer-Encoding: chunked'
  const request = `POST /mcp/router/route/calm HTTP/1.1\r\nHost: ${hostname}\r\n${headers}\r\n\r\n`
  const body = chunk(toolCall(1, 'x')) + end
  const whole = Promise.all([flood(socket, [request, chunk(' '), body]), answered])
  expect(await slowestBeside(whole)).toBeLessThan(5_000)
  expect(String(await answered)).toContain('HTTP/1.1 200')
  socket.destroy()
  expect(memory('VmHWM') - before).toBeLessThan(allowedBytes)
})
