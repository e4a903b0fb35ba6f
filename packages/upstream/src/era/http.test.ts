import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beginEvents, frame, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/upstream'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { createEras } from './eras.js'

const discovered = (versions: readonly string[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 'p', result: { supportedVersions: versions } })

const open = async (status: number, type: string, body: string) => {
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(String(req.headers['mcp-method']))
    req.resume()
    res.writeHead(status, { 'content-type': type }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const endpoint = httpEndpoint(`http://127.0.0.1:${port}/mcp`)
  return { asked, endpoint, backend: backendOf(endpoint), eras: createEras({ client }) }
}

describe('the era of an http endpoint', () => {
  it.each([
    ['modern', 'it discovers', 200, 'application/json', discovered(['2026-07-28'])],
    [
      'modern',
      'it streams that',
      200,
      'text/event-stream',
      `data: ${discovered(['2026-07-28'])}\n\n`,
    ],
    ['legacy', 'it offers others', 200, 'application/json', discovered(['2025-11-25'])],
    [
      'modern',
      'it names the revision',
      400,
      'application/json',
      '{"error":{"code":-32022,"data":["2026-07-28"]}}',
    ],
    [
      'legacy',
      'it only repeats the revision that it was asked for',
      400,
      'application/json',
      '{"error":{"code":-32022,"data":{"supported":["2025-11-25"],"requested":"2026-07-28"}}}',
    ],
    [
      'modern',
      'it streams that after a notification',
      200,
      'text/event-stream',
      `data: {"jsonrpc":"2.0","method":"notifications/message"}\n\ndata: ${discovered(['2026-07-28'])}\n\n`,
    ],
    ['legacy', 'it wants a session', 400, 'application/json', '{"error":{"code":-32000}}'],
    ['legacy', 'it knows no such path', 404, 'text/html', '<h1>Not found</h1>'],
    ['legacy', 'it takes no POST', 405, 'text/plain', ''],
  ])('is %s when %s', async (era, _, status, type, body) => {
    const { eras, backend, endpoint } = await open(status, type, body)
    expect(await eras.find(backend, endpoint)).toBe(era)
  })

  afterEach(() => void vi.useRealTimers())

  it('is asked once by many at once, remembered, and asked anew once doubted', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { asked, eras, backend, endpoint } = await open(200, 'text/plain', '')
    await Promise.all([eras.find(backend, endpoint), eras.find(backend, endpoint)])
    expect([asked, eras.known(backend, endpoint)]).toEqual([['server/discover'], 'legacy'])
    eras.doubt(endpoint)
    await eras.find(backend, endpoint)
    expect(asked).toHaveLength(1)
    vi.setSystemTime(Date.now() + 6_000)
    eras.doubt(endpoint)
    await eras.find(backend, endpoint)
    expect(asked).toHaveLength(2)
  })

  it.each([
    [401, 'OPENING_FAILED'],
    [403, 'OPENING_FAILED'],
    [408, 'OPENING_FAILED'],
    [429, 'UPSTREAM_BUSY'],
    [500, 'OPENING_FAILED'],
    [503, 'UPSTREAM_BUSY'],
  ])('is not concluded from HTTP %i, and no call was sent', async (status, code) => {
    const { eras, backend, endpoint } = await open(status, 'text/plain', '')
    await expect(eras.find(backend, endpoint)).rejects.toMatchObject({ code })
    expect(eras.known(backend, endpoint)).toBeUndefined()
  })

  it('is not concluded from silence, and no call was sent', async () => {
    const { origin } = await openHttp(() => undefined)
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    onTestFinished(() => client.close())
    const endpoint = httpEndpoint(`${origin}/mcp`)
    const eras = createEras({ client, openTimeoutMs: 100 })
    await expect(eras.find(backendOf(endpoint), endpoint)).rejects.toMatchObject({
      code: 'OPENING_FAILED',
      data: { reason: 'server/discover was not answered within 0.1 s, the limit', late: true },
    })
  })

  it.each([
    ['hangs', () => undefined],
    ['fails', (asked: Asked) => void asked.res.writeHead(501).end()],
    ['breaks off', (asked: Asked) => void asked.res.destroy()],
  ])('is legacy for a while where it %s at that, and opens a session', async (_, discover) => {
    const server = await openHttp((asked) => {
      if (asked.method === 'DELETE') asked.res.end()
      else if (asked.message.method === 'server/discover') discover(asked)
      else {
        beginEvents(asked, { 'mcp-session-id': 's' })
        const result = { protocolVersion: '2025-06-18', capabilities: {} }
        asked.res.write(frame({ jsonrpc: '2.0', id: asked.message.id, result }))
      }
    })
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    onTestFinished(() => client.close())
    const endpoint = httpEndpoint(`${server.origin}/mcp`)
    const [backend, eras] = [backendOf(endpoint), createEras({ client })]
    const from = performance.now()
    expect(await eras.find(backend, endpoint)).toBe('legacy')
    expect(performance.now() - from).toBeLessThan(9_000)
    await expect.poll(() => server.asked.at(-1)?.headers['mcp-session-id']).toBe('s')
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 31_000)
    expect(eras.known(backend, endpoint)).toBe('legacy')
    const discovers = () =>
      server.asked.filter(({ message }) => message.method === 'server/discover').length
    await expect.poll(discovers).toBe(2)
    expect(eras.known(backend, endpoint)).toBe('legacy')
    expect(discovers()).toBe(2)
  })

  it('is modern where it answers late, and opens no session', async () => {
    const late: Asked[] = []
    const server = await openHttp((asked) => {
      if (asked.message.method === 'server/discover') {
        late.push(asked)
        return
      }
      asked.res.writeHead(400).end()
      for (const { res } of late) {
        res.writeHead(200, { 'content-type': 'application/json' })
        res.end(discovered(['2026-07-28']))
      }
    })
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    onTestFinished(() => client.close())
    const endpoint = httpEndpoint(`${server.origin}/mcp`)
    expect(await createEras({ client }).find(backendOf(endpoint), endpoint)).toBe('modern')
  })

  it('is what the operator says, without asking', async () => {
    const { asked, eras, backend, endpoint } = await open(200, 'text/plain', '')
    expect(await eras.find({ ...backend, era: 'modern' }, endpoint)).toBe('modern')
    expect(asked).toEqual([])
  })
})
