import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from './app.js'
import { createMcpServer } from './mcp-server.js'
import { openSessions, type Sessions } from './sessions.js'

let sessions: Sessions
let server: Server
let url: string

const listen = async (idleMs: number): Promise<void> => {
  sessions = openSessions(createMcpServer, idleMs)
  await new Promise<void>((ready) => {
    server = createApp(sessions, true).listen(0, '127.0.0.1', () => ready())
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

const post = (message: object, session?: string): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  })

const initialize = async (): Promise<string> => {
  const clientInfo = { name: 'test', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const response = await post({ id: 0, method: 'initialize', params })
  await response.text()
  const session = response.headers.get('mcp-session-id')!
  await post({ method: 'notifications/initialized' }, session)
  return session
}

beforeEach(() => listen(60_000))
afterEach(async () => {
  await sessions.close()
  server.close()
  server.closeAllConnections()
})

describe('the app', () => {
  it('keeps a session per client until the client ends it', async () => {
    const session = await initialize()
    await initialize()
    expect(sessions.size).toBe(2)
    const params = { name: 'echo', arguments: { text: 'hi' } }
    const response = await post({ id: 1, method: 'tools/call', params }, session)
    expect(await response.text()).toContain('"text":"hi"')
    await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': session } })
    expect(sessions.size).toBe(1)
  })

  it.each([
    { id: 7, method: 'initialize' },
    { id: 7, method: 'initialize', params: {} },
  ])('says what is missing in %j', async (message) => {
    const response = await post(message)
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        jsonrpc: '2.0',
        id: 7,
        error: {
          code: -32602,
          message: 'initialize needs protocolVersion, capabilities and clientInfo',
        },
      },
    ])
  })

  it('answers 404 to a session that it does not know', async () => {
    const response = await post({ id: 1, method: 'tools/list' }, 'nobody')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: -32001 } })
  })

  it('refuses a body that is not JSON', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: '{' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: -32700 } })
  })

  it('ends a session that nobody uses', async () => {
    await sessions.close()
    server.close()
    await listen(5)
    await initialize()
    await expect.poll(() => sessions.size).toBe(0)
  })
})
