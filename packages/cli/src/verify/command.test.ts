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

it('says of each check where it asked, and why it failed', async () => {
  const closed = createServer()
  await once(closed.listen(0, '127.0.0.1'), 'listening')
  const address = `127.0.0.1:${(closed.address() as AddressInfo).port}`
  await once(closed.close(), 'close')
  env['REDIS_URL'] = `redis://${address}`
  env['ROUTER_INSTANCES'] = '1'
  env['ROUTER_BASE_PORT'] = address.split(':')[1]!
  let said = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
  onTestFinished(() => {
    write.mockRestore()
    process.exitCode = undefined
  })
  await verify(`http://${address}`)
  expect(said).toContain(
    `FAILED  SSE through Nginx gives an endpoint event: http://${address}/sse/a: connect ECONNREFUSED ${address}\n`,
  )
})
