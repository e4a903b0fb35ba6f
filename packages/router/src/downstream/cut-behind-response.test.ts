import { expect, it } from 'vitest'
import { backendOf, httpEndpoint } from '../testing/backend.js'
import { aRequest, ask, initialize } from '../testing/client.js'
import { echo, openEndpoint } from '../testing/endpoint.js'
import { openGateway } from '../testing/gateway.js'

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
