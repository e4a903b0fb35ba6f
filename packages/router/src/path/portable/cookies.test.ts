import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { expect, it, onTestFinished } from 'vitest'

/**
 * A server behind a load balancer: it knows a session by the cookies that it set, of which one is
 * renewed with every answer, and refuses whoever does not send them.
 */
const open = async () => {
  const seen: string[] = []
  let opened = 0
  let answers = 0
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const { id, method, params } = JSON.parse(body || '{}') as Record<string, unknown>
      const cookie = req.headers.cookie ?? ''
      const head: Record<string, string | string[]> = { 'content-type': 'application/json' }
      if (method === 'initialize') {
        const session = `s-${++opened}`
        head['mcp-session-id'] = session
        head['set-cookie'] = [`node=${session}; Path=/; HttpOnly`, 'lb=0; Path=/']
        const result = { protocolVersion: '2025-06-18', capabilities: {} }
        res.writeHead(200, head).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
        return
      }
      seen.push(cookie)
      if (!cookie.includes(`node=${String(req.headers['mcp-session-id'])}`)) {
        res.writeHead(404).end('no such session here')
        return
      }
      head['set-cookie'] = [`lb=${++answers}; Path=/`]
      if (id === undefined) res.writeHead(202, head).end()
      else res.writeHead(200, head).end(JSON.stringify({ jsonrpc: '2.0', id, result: params }))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const store = openStore()
  const backends = [backendOf('weather', [httpEndpoint(url)])]
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { a, b, seen, opened: () => opened }
}

it('a session goes on with its cookies, at every instance', async () => {
  const { a, b, seen, opened } = await open()
  const { headers } = await initialize(`${a.url}/mcp/weather`)
  for (const [n, { url }] of [a, a, b, b, a].entries()) {
    const told = await ask(`${url}/mcp/weather`, { headers, body: aRequest(n, 'm', { n }) })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: n, result: { n } })
    expect(told.headers['set-cookie']).toBeUndefined()
  }
  expect(opened()).toBe(1)
  expect(seen[1]).toBe('node=s-1; lb=1')
  const gone = await ask(`${b.url}/mcp/weather`, { method: 'DELETE', headers })
  expect([gone.status, seen.at(-1)]).toEqual([200, expect.stringContaining('node=s-1')])
})

it('the session that callers share has cookies of its own', async () => {
  const { a, opened } = await open()
  const { headers } = await initialize(`${a.url}/mcp/weather`)
  const call = `${a.url}/mcp/router/route/weather`
  for (let n = 0; n < 3; n++) {
    const told = await ask(call, { body: aRequest(n, 'tools/call', { n }) })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: n, result: { n } })
  }
  await ask(`${a.url}/mcp/weather`, { headers, body: aRequest(1, 'm') })
  expect(opened()).toBe(2)
})

it('a record whose headers cannot be sent ends the call at once, and is not held against the server', async () => {
  const { a, b } = await open()
  const { headers } = await initialize(`${a.url}/mcp/weather`)
  const id = headers['mcp-session-id']
  await a.store.sessions.update(id as never, 0, { backendSessionId: 'a\r\nx-evil: 1' })
  const told = await ask(`${b.url}/mcp/weather`, { headers, body: aRequest(1, 'm') })
  expect([told.status, jsonOf(told)]).toMatchObject([500, { id: 1, error: { code: -32603 } }])
  const other = await initialize(`${b.url}/mcp/weather`)
  const fine = await ask(`${b.url}/mcp/weather`, { ...other, body: aRequest(2, 'm', { n: 2 }) })
  expect(jsonOf(fine)).toEqual({ jsonrpc: '2.0', id: 2, result: { n: 2 } })
})
