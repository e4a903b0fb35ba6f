import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask, openInstances, openRunDir, openSite } from '@mcp-router/testkit/nginx'
import { freePorts } from '@mcp-router/testkit/process'
import { describe, expect, it, vi } from 'vitest'

it('tells the router who asks and by which address', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  await ask(port, '/mcp/weather?x=a%2Fb', { headers: { host: 'mcp.example:81' } })
  expect(one!.arrived[0]).toMatchObject({
    method: 'GET',
    url: '/mcp/weather?x=a%2Fb',
    headers: {
      host: 'mcp.example:81',
      'x-forwarded-host': 'mcp.example:81',
      'x-forwarded-port': String(port),
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    },
  })
  expect(one!.arrived[0]!.headers).not.toHaveProperty('x-forwarded-prefix')
})

it('keeps its connections to an instance open', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  await ask(port, '/mcp/weather', { headers: { connection: 'close' } })
  expect(one!.arrived[0]!.headers).not.toHaveProperty('connection')
})

it.each([
  ['/mcp-bridge/mcp/weather?sessionId=1', '/mcp/weather?sessionId=1'],
  ['/mcp-bridge/sse/weather', '/sse/weather'],
  ['/mcp-bridge/', '/'],
])('strips the prefix of %s and names it', async (path, stripped) => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  await ask(port, path)
  expect(one!.arrived[0]!.url).toBe(stripped)
  expect(one!.arrived[0]!.headers['x-forwarded-prefix']).toBe('/mcp-bridge')
})

it('sends /mcp-bridge on to /mcp-bridge/ of whatever address the client used', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  expect(await ask(port, '/mcp-bridge')).toMatchObject({
    status: 301,
    headers: { location: '/mcp-bridge/' },
  })
})

it.each(['/mcp/weather', '/mcp-bridge/mcp/weather', '/sse/weather'])(
  'lets no client speak as an instance or a proxy at %s',
  async (path) => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address] })
    await ask(port, path, {
      headers: {
        'x-mcp-router-signature': 'forged',
        'x-mcp-router-principal': 'forged',
        'x-mcp-router-proxy': 'forged',
        'x-mcp-router-again': 'forged',
        x_mcp_router_proxy: 'forged',
        'x-forwarded-prefix': '/forged',
        'x-forwarded-host': 'forged',
        'x-forwarded-proto': 'forged',
        'x-forwarded-port': 'forged',
        'x-request-id': 'forged',
        'x-real-ip': 'forged',
      },
    })
    expect(JSON.stringify(one!.arrived)).not.toContain('forged')
  },
)

it('logs the request id and the instance, never the query', async () => {
  const [one] = await openInstances(1)
  const { port, runDir } = await openSite({ instances: [one!.address] })
  await ask(port, '/mcp/weather/message?sessionId=secret')
  const log = await vi.waitFor(async () => {
    const text = await readFile(join(runDir, 'logs', 'nginx-access.log'), 'utf8')
    expect(text).not.toBe('')
    return text
  }, 5_000)
  expect(log).toContain(one!.arrived[0]!.headers['x-request-id'])
  expect(log).toContain(`"GET /mcp/weather/message" 200`)
  expect(log).toContain(`from ${one!.address} 200`)
  expect(log).not.toContain('secret')
})

describe('the error log', () => {
  const failing = async (path: string, proxySecret?: string) => {
    const runDir = await openRunDir()
    const errorLog = join(runDir, 'logs', 'nginx-error.log')
    const secret = proxySecret === undefined ? {} : { proxySecret }
    const refusing = [`127.0.0.1:${await freePorts(1)}`]
    const { port } = await openSite({ instances: refusing, errorLog, ...secret }, runDir)
    expect((await ask(port, path, { method: 'POST', body: '{}' })).status).toBe(503)
    // Written before the answer.
    return readFile(errorLog, 'utf8')
  }

  it.each([
    ['/mcp/x/message?sessionId=secret', undefined],
    ['/mcp-bridge/mcp/x/message/?sessionId=secret', undefined],
    ['/mcp/message?sessionId=secret', undefined],
    ['/mcp/x/m%65ssage?sessionId=secret', ''],
  ])('has nothing of the session in %s', async (path, proxySecret) => {
    expect(await failing(path, proxySecret)).not.toContain('secret')
  })

  it('has the failures of what names none', async () => {
    expect(await failing('/mcp/x')).toMatch(/connect\(\) failed .* "POST \/mcp\/x HTTP/)
  })
})

it.each([
  ['/mcp-bridge/mcp/x/message?sessionId=1', '/mcp/x/message?sessionId=1', '/mcp-bridge'],
  ['/mcp//x/m%65ssage?sessionId=1', '/mcp/x/message?sessionId=1', undefined],
])('passes %s on as everywhere', async (path, passed, prefix) => {
  const [one] = await openInstances(1)
  const runDir = await openRunDir()
  const errorLog = join(runDir, 'logs', 'nginx-error.log')
  const { port } = await openSite({ instances: [one!.address], errorLog }, runDir)
  await ask(port, path, { method: 'POST', body: '{}' })
  expect(one!.arrived[0]!.url).toBe(passed)
  expect(one!.arrived[0]!.headers['x-forwarded-prefix']).toBe(prefix)
})
