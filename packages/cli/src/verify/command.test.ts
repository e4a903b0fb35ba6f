import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createProgram } from '../program.js'

let env: Record<string, string>
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  env = { MCP_RUN_DIR: folder, MCP_SERVERS_FILE: join(folder, 'servers.yaml') }
  writeFileSync(join(folder, 'servers.yaml'), 'servers: { a: { url: "http://127.0.0.1:1/mcp" } }')
})

const verify = (...args: readonly string[]): Promise<unknown> =>
  createProgram(env).parseAsync(['verify', ...args], { from: 'user' })

it.each([
  [['127.0.0.1:8080'], 'give a whole address, such as http://127.0.0.1:8080'],
  [['http://127.0.0.1:1', 'redis://h:1'], '"redis://h:1" is not a host name'],
  [['http://127.0.0.1:1', 'h', 'x'], '"x" is not a port'],
  [['http://127.0.0.1:1', 'h', '70000'], '"70000" is not a port'],
])('refuses %j', async (args, message) => {
  await expect(verify(...args)).rejects.toThrow(message)
})

it('says which token is wanted', async () => {
  const server = createServer((_, res) => void res.writeHead(401).end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(verify(base)).rejects.toThrow(/wants the access token .*: set ACCESS_TOKEN$/)
  env['ACCESS_TOKEN'] = 'another'
  await expect(verify(base)).rejects.toThrow(/ACCESS_TOKEN is not that one$/)
})

const answering = async (status: number, type: string, body: string): Promise<string> => {
  const server = createServer(
    (_, res) => void res.writeHead(status, { 'content-type': type }).end(body),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it.each([
  [200, 'text/html; charset=utf-8'],
  [404, 'text/html'],
])('says that a web page (%s %s) is not the router', async (status, type) => {
  const base = await answering(status, type, '<!doctype html><p>hello</p>')
  await expect(verify(base)).rejects.toThrow(
    `what answers at ${base} is not the router: it gives a web page (${status})`,
  )
})

it.each(['/mcp', '/mcp/', '/mcp/a', '/sse/a', '/mcp/router/route/a'])(
  'says to leave out %s, where an MCP client is sent',
  async (path) => {
    const base = await answering(404, 'application/json', '{}')
    await expect(verify(`${base}${path}`)).rejects.toThrow(
      `leave out the path of the server: ${base}`,
    )
    const page = await answering(404, 'text/html', '<p>hello</p>')
    await expect(verify(`${page}/prefix${path}`)).rejects.toThrow(/web page.*\/prefix$/)
  },
)

/** captured is what the command prints until the test is over. */
const captured = () => {
  const output = { said: '' }
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output.said += String(text)
    return true
  })
  onTestFinished(() => {
    write.mockRestore()
    process.exitCode = undefined
  })
  return output
}

it('shows no page of HTML in a check that failed', async () => {
  env['ROUTER_INSTANCES'] = '1'
  env['REDIS_URL'] = 'redis://127.0.0.1:1'
  const base = await answering(502, 'text/html', '<html><h1>502 Bad Gateway</h1></html>')
  env['ROUTER_BASE_PORT'] = new URL(base).port
  const output = captured()
  await verify(base)
  expect(output.said).toContain('FAILED  the route to a answers: 502: a web page')
  expect(output.said).not.toContain('<')
})

it('says what to do where nothing runs', async () => {
  env['REDIS_URL'] = 'redis://127.0.0.1:1'
  env['ROUTER_BASE_PORT'] = '2'
  await expect(verify('http://127.0.0.1:1')).rejects.toThrow(
    /^nothing answers at http:\/\/127\.0\.0\.1:1 \(MCP_RUN_DIR is .*\): start the cluster first: npm start$/,
  )
})

it('says of each check where it asked, and why it failed', async () => {
  const closed = createServer()
  await once(closed.listen(0, '127.0.0.1'), 'listening')
  const address = `127.0.0.1:${(closed.address() as AddressInfo).port}`
  await once(closed.close(), 'close')
  env['REDIS_URL'] = `redis://${address}`
  env['ROUTER_INSTANCES'] = '1'
  const instance = createServer((_, res) => void res.writeHead(503).end())
  await once(instance.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void instance.close())
  env['ROUTER_BASE_PORT'] = String((instance.address() as AddressInfo).port)
  const output = captured()
  await verify(`http://${address}`)
  expect(output.said).toContain(
    `FAILED  SSE through Nginx gives an endpoint event: http://${address}/sse/a: connect ECONNREFUSED ${address}\n`,
  )
})

it('says what to do about a server that does not answer in a cluster that is well', async () => {
  const error = '{"jsonrpc":"2.0","id":1,"error":{"code":-31503,"message":"no healthy endpoint"}}'
  let isReady = true
  const instance = createServer((req, res) => {
    const isLook = /^\/(health|ready|api\/status)$/.test(req.url ?? '')
    const status = isLook ? (isReady || req.url !== '/ready' ? 200 : 503) : 503
    res.writeHead(status, { 'content-type': 'application/json' }).end(isLook ? '{}' : error)
  })
  await once(instance.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void instance.close())
  const base = `http://127.0.0.1:${(instance.address() as AddressInfo).port}`
  Object.assign(env, { ROUTER_INSTANCES: '1', ROUTER_BASE_PORT: new URL(base).port })
  // Which is not asked.
  env['REDIS_URL'] = 'redis+cluster://127.0.0.1:1'
  const output = captured()
  await verify(base)
  expect(output.said).toContain(
    '\nthe cluster is well, but server "a" does not answer; scripts/mcp-router.sh backends probe a says why, and --server <name> checks with another one\n',
  )
  expect(process.exitCode).toBe(1)
  isReady = false
  await verify(base)
  expect(output.said).toContain('\nsomething is wrong; scripts/start-instances.sh status\n')
})
