import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { initialize } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { expect, it, onTestFinished } from 'vitest'

/** A server of 2024-11-05 that has forgotten each session when its first message comes. */
const openForgetful = async (): Promise<string> => {
  const server = createServer((req, res) => {
    if (req.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: endpoint\ndata: /messages?sessionId=1\n\n')
    } else res.writeHead(404).end('Session not found')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`
}

it('a client whose session ends while it is opened is not told that it has lost one', async () => {
  const gateway = await openGateway({
    backends: [backendOf('web', [sseEndpoint(await openForgetful())])],
  })
  const { told } = await initialize(`${gateway.url}/mcp/web`)
  expect(told.status).toBe(502)
  expect(told.text).toContain('ended the session while it was opened')
})
