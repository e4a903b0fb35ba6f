import { readServers } from '@mcp-router/config'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { unstartedLines, unstartedOf, usableBackend } from './unstarted.js'

const listening = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer((_, res) => res.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

const servers = (text: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'unstarted-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'servers.yaml'), text)
  return readServers(join(folder, 'servers.yaml'), {})
}

it('names a server with a start line that nobody has started, and passes it over', async () => {
  const [running, gone] = [await listening(), await listening()]
  onTestFinished(() => void running.server.close())
  await once(gone.server.close(), 'close')
  const { managed, backends } = servers(`servers:
    dead: { url: 'http://127.0.0.1:${gone.port}/mcp', start: node dead.js --port 1 }
    live: { url: 'http://127.0.0.1:${running.port}/mcp', start: node live.js }
    command: { command: node }`)
  const unstarted = await unstartedOf(managed)
  expect(unstartedLines(unstarted)).toEqual([
    `mcp-router: server "dead" does not run at http://127.0.0.1:${gone.port}/mcp, and serve starts none; start it: node dead.js --port 1`,
  ])
  expect(usableBackend(backends, unstarted)?.name).toBe('live')
  expect(usableBackend(backends.slice(0, 1), unstarted)).toBeUndefined()
})
