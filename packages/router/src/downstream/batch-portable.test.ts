import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, overHttp } from '@mcp-router/testkit/router'
import { answerJson, echo, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

it('a stream that holds the response to a member may end by itself', async () => {
  const streams: Asked['res'][] = []
  const { send } = await overHttp((asked) => {
    const { message, res } = asked
    if (message.method !== 'write') {
      echo(asked)
      return
    }
    streams.push(res)
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} })}\n\n`)
  })
  await send([aRequest(1, 'write')])
  await send([aRequest(2, 'echo')])
  expect(streams.map(({ closed }) => closed)).toEqual([false])
})

it('a notification that its server took away with it is not told as refused, whatever it met before', async () => {
  let notes = 0
  const { origin } = await openHttp((asked) => {
    const { message, res } = asked
    if (message.method === 'initialize') {
      const result = { protocolVersion: '2025-03-26', capabilities: {}, serverInfo: {} }
      const headers = { 'mcp-session-id': 's' }
      answerJson(asked, { jsonrpc: '2.0', id: message.id, result }, { headers })
    } else if (message.method !== 'note') res.writeHead(202).end()
    else if (++notes === 1) res.writeHead(400).end('Bad Request: Server not initialized')
    else res.socket?.resetAndDestroy()
  })
  const { url } = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(`${origin}/mcp`)])],
  })
  const { headers } = await initialize(`${url}/mcp/weather`)
  const body = [{ jsonrpc: '2.0', method: 'note' }]
  const told = await ask(`${url}/mcp/weather`, { headers, body })
  expect([told.status, jsonOf(told)]).toMatchObject([502, { error: { code: -31502 } }])
  expect(notes).toBeGreaterThan(1)
})
