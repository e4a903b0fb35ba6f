import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ask, begin, openInstance, openInstances, openSite } from '@mcp-router/testkit/nginx'
import { describe, expect, it, onTestFinished } from 'vitest'

/** Sends the head of a request and nothing of its body. */
const beginPost = (port: number, head: readonly string[]): Socket => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  socket.write(['POST /mcp/x HTTP/1.1', 'Host: localhost', ...head, '', ''].join('\r\n'))
  return socket
}

const firstOf = async (socket: Socket): Promise<string> => {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

describe('an instance that asks for a token', () => {
  const open = async () => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address], requiresToken: true })
    return { one: one!, port }
  }

  it.each(['Content-Length: 5000000', 'Transfer-Encoding: chunked'])(
    'never sees a body that comes without any: %s',
    async (length) => {
      const { one, port } = await open()
      const answer = await firstOf(beginPost(port, [length]))
      expect(answer).toMatch(/^HTTP\/1\.1 401 /)
      expect(answer).toMatch(/WWW-Authenticate: Bearer\r\n/)
      expect(answer).toContain('send Authorization: Bearer <token>')
      expect(one.arrived).toEqual([])
    },
  )

  it('judges every other request itself', async () => {
    const { one, port } = await open()
    await ask(port, '/mcp/x')
    await ask(port, '/mcp/x', { method: 'OPTIONS', headers: { origin: 'https://app.example' } })
    await ask(port, '/mcp/x', { method: 'POST', headers: { 'content-length': '0' } })
    await ask(port, '/mcp/x', { method: 'POST', body: '{}', headers: { authorization: 'Bearer x' } })
    expect(one.arrived.map(({ method }) => method)).toEqual(['GET', 'OPTIONS', 'POST', 'POST'])
  })
})

it('answers 429 to more requests at a time than one address may have, until some are over', async () => {
  const waiting: ServerResponse[] = []
  const one = await openInstance('waiting', (_, response) => void waiting.push(response))
  onTestFinished(() => one.close())
  const { port } = await openSite({ instances: [one.address], clientConnections: 2 })
  const held = [begin(port, '/sse/x'), begin(port, '/mcp/x', { method: 'POST', body: '{}' })]
  await expect.poll(() => waiting.length).toBe(2)
  const refused = await ask(port, '/mcp/x', { method: 'POST', body: '{}' })
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '2'])
  expect(JSON.parse(refused.body)).toMatchObject({ id: null, error: { code: -31429 } })
  for (const response of waiting) response.end()
  for (const each of await Promise.all(held)) each.resume()
  const more = begin(port, '/mcp/x')
  await expect.poll(() => waiting.length).toBe(3)
  waiting[2]!.end()
  expect((await more).statusCode).toBe(200)
})

it('keeps so many big bodies of one address at a time', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  const lengths = Array.from({ length: 33 }, (_, n) =>
    n % 2 === 0 ? 'Content-Length: 2000000' : 'Transfer-Encoding: chunked',
  )
  const sockets = lengths.map((length) => beginPost(port, [length]))
  expect(await Promise.race(sockets.map(firstOf))).toMatch(/^HTTP\/1\.1 429 /)
  // Others are not held up by it.
  expect((await ask(port, '/mcp/x', { method: 'POST', body: '{}' })).status).toBe(200)
})

describe('what Nginx answers by itself', () => {
  const allowedOrigins = ['https://app.example', 'http://localhost:6274']

  it.each(allowedOrigins)('may be read by a page of %s', async (origin) => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address], allowedOrigins })
    const { status, headers } = await ask(port, '/internal/x', { headers: { origin } })
    expect([status, headers.vary]).toEqual([404, 'Origin'])
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': expect.stringContaining('Retry-After'),
    })
  })

  it('may be read by no other page', async () => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address], allowedOrigins })
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null']) {
      const { headers } = await ask(port, '/internal/x', { headers: { origin } })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(headers).not.toHaveProperty('access-control-expose-headers')
    }
  })

  it('leaves what the router says of that as it is', async () => {
    const one = await openInstance('router', (_, response) => {
      response.writeHead(401, { 'access-control-allow-origin': 'https://app.example' }).end()
    })
    onTestFinished(() => one.close())
    const { port } = await openSite({ instances: [one.address], allowedOrigins })
    const { headers } = await ask(port, '/mcp/x', { headers: { origin: 'https://app.example' } })
    expect(headers['access-control-allow-origin']).toBe('https://app.example')
  })
})
