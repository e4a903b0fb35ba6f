import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

it.each(['session', 'route'] as const)(
  'a response whose connection is reset behind it counts, and nothing else is told (%s)',
  async (way) => {
    const endpoint = await openEndpoint((asked) => {
      if (asked.message.method !== 'write') {
        echo(asked)
        return
      }
      const { id } = asked.message
      asked.res.writeHead(200, { 'content-type': 'text/event-stream' })
      asked.res.write(
        `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { is: 'there' } })}\n\n`,
        () => {
          asked.res.socket?.resetAndDestroy()
        },
      )
    })
    const { url } = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const isRoute = way === 'route'
    const headers = isRoute ? {} : (await initialize(`${url}/mcp/weather`)).headers
    const address = isRoute ? '/mcp/router/route/weather' : '/mcp/weather'
    const told = await ask(url + address, { headers, body: aRequest('mine', 'write') })
    expect(told.text.match(/"id":"mine"/g)).toHaveLength(1)
    expect(told.text).toContain('"is":"there"')
  },
)

it.each(['session', 'route', 'modern'] as const)(
  'a response whose stream goes on behind it is the whole answer (%s)',
  async (way) => {
    const left: boolean[] = []
    const answering = ({ message, res }: Pick<Asked, 'message' | 'res'>): void => {
      res.on('close', () => left.push(true))
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const result = { is: 'there', resultType: 'complete' }
      res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`)
    }
    const endpoint =
      way === 'modern'
        ? await openModernEndpoint(answering)
        : await openEndpoint((asked) => (isCall(asked) ? answering(asked) : echo(asked)))
    const { url } = await openGateway({
      backends: [{ ...backendOf('weather', [httpEndpoint(endpoint.url)]), deadlineMs: 1_000 }],
    })
    const call = aRequest('mine', 'write')
    const session = async () => (await initialize(`${url}/mcp/weather`)).headers
    const told =
      way === 'modern'
        ? await modernClient(`${url}/mcp/weather`).send('prompts/get', { name: 'p' })
        : way === 'route'
          ? await ask(`${url}/mcp/router/route/weather`, { body: call })
          : await ask(`${url}/mcp/weather`, { headers: await session(), body: call })
    expect(told.text.match(/"jsonrpc"/g)).toHaveLength(1)
    expect(told.text).toContain('"is":"there"')
    await expect.poll(() => left).toEqual([true])
  },
)

const isCall = ({ message }: Asked): boolean => message.method === 'write'
