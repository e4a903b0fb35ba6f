import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { begin, openInstance, openSite } from '@mcp-router/testkit/nginx'
import { expect, it, onTestFinished } from 'vitest'

const firstChunk = async (response: IncomingMessage): Promise<string> => {
  const [chunk] = (await once(response, 'data')) as [Buffer]
  return chunk.toString()
}

/** Opens an instance that begins a stream with one event and leaves its end to the test. */
const openStreaming = async (headers: Record<string, string>) => {
  const streams: ServerResponse[] = []
  const instance = await openInstance('streaming', (_, response) => {
    streams.push(response)
    // Nginx hands chunks on even where it buffers; only a stream without them shows the difference.
    response.removeHeader('transfer-encoding')
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
    response.write('data: first\n\n')
  })
  onTestFinished(() => instance.close())
  const { port } = await openSite({ instances: [instance.address] })
  return { port, streams }
}

it.each(['/sse/weather', '/mcp-bridge/sse/weather', '/sse?serviceName=weather'])(
  'hands on an event of GET %s before the stream ends',
  async (path) => {
    const { port, streams } = await openStreaming({})
    const response = await begin(port, path)
    expect(await firstChunk(response)).toBe('data: first\n\n')
    streams[0]!.end('data: last\n\n')
    expect(await text(response)).toBe('data: last\n\n')
  },
)

it.each([
  ['POST', '/mcp/weather'],
  ['GET', '/mcp/weather'],
  ['POST', '/mcp-bridge/mcp/weather'],
])('hands on an event of %s %s when the router says it is a stream', async (method, path) => {
  const { port, streams } = await openStreaming({ 'X-Accel-Buffering': 'no' })
  const response = await begin(port, path, { method })
  expect(await firstChunk(response)).toBe('data: first\n\n')
  expect(response.headers['x-accel-buffering']).toBe('no')
  streams[0]!.end('data: last\n\n')
  expect(await text(response)).toBe('data: last\n\n')
})

it('ends the stream at the router when the client leaves', async () => {
  const { port, streams } = await openStreaming({})
  const response = await begin(port, '/sse/weather')
  await firstChunk(response)
  response.destroy()
  await once(streams[0]!, 'close')
})
