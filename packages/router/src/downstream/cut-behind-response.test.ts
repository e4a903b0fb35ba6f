import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway, overHttp } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Told } from '@mcp-router/testkit/client'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

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

const unreadable = {
  'no JSON': () => 'data: hello\n\n',
  'a broken response': (id: unknown) =>
    `data: {"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":7}\n\n`,
}

describe.each(['session', 'route', 'modern', 'batch'] as const)('by %s', (way) => {
  const kinds = Object.keys(unreadable) as (keyof typeof unreadable)[]
  it.each(kinds.flatMap((kind) => [[kind, 'with it'] as const, [kind, 'later'] as const]))(
    '%s behind a response, %s, changes nothing',
    async (kind, when) => {
      const answering = ({ message: { id }, res }: Pick<Asked, 'message' | 'res'>): void => {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        const response = frame(id, { is: 'there', resultType: 'complete' })
        if (when === 'with it') res.end(response + unreadable[kind](id))
        else res.write(response, () => setImmediate(() => res.end(unreadable[kind](id))))
      }
      const told = await tell(way, answering)
      expect(told.text.match(/"jsonrpc"/g)).toHaveLength(1)
      expect(told.text).toContain('"is":"there"')
    },
  )
})

const frame = (id: unknown, result: object): string =>
  `data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`

const tell = async (
  way: 'session' | 'route' | 'modern' | 'batch',
  answering: (asked: Pick<Asked, 'message' | 'res'>) => void,
): Promise<Told> => {
  const legacy = (asked: Asked): void => (isCall(asked) ? answering(asked) : echo(asked))
  const call = aRequest('mine', 'write')
  if (way === 'batch') return (await overHttp(legacy)).send([call])
  const endpoint =
    way === 'modern' ? await openModernEndpoint(answering) : await openEndpoint(legacy)
  const { url } = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  if (way === 'modern') return modernClient(`${url}/mcp/weather`).send('prompts/get', { name: 'p' })
  if (way === 'route') return ask(`${url}/mcp/router/route/weather`, { body: call })
  const { headers } = await initialize(`${url}/mcp/weather`)
  return ask(`${url}/mcp/weather`, { headers, body: call })
}

const isCall = ({ message }: Asked): boolean => message.method === 'write'
