import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

/** So often the stream is asked for while the server refuses it: for longer than a stream without a head is waited for. */
const tries = 20

it('a call waits for the stream that an instance opens, where a client has it and the server refuses it first', async () => {
  const refused: ServerResponse[] = []
  let own: ServerResponse | undefined
  let isFree = false
  const endpoint = await openEndpoint((asked) => {
    const { method, message, res } = asked
    if (method === 'GET' && isFree) {
      own = res
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    } else if (method === 'GET' && refused.push(res) > 1) res.writeHead(409).end()
    else if (method !== 'GET' && message.method === 'ask')
      own?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })}\n\n`)
    else if (method !== 'GET') echo(asked)
  })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const url = `${b.url}/mcp/web`
  const { headers } = await initialize(url)
  await ask(`${a.url}/mcp/web`, { headers, body: aRequest(0, 'tools/list') })
  await a.router.drain(0)
  const asking = ask(url, { headers, body: aRequest(1, 'ask') })
  asking.catch(() => undefined)
  await expect.poll(() => refused.length).toBe(1)
  const before = b.router.begun()
  const next = follow(url, { headers })
  await expect.poll(() => b.router.begun()).toBe(before + 1)
  refused[0]?.writeHead(409).end()
  await expect.poll(() => refused.length, { timeout: 5_000 }).toBeGreaterThan(tries)
  expect(endpoint.by('ask')).toEqual([])
  isFree = true
  expect(await (await next).message()).toMatchObject({ id: askedId('q') })
})
