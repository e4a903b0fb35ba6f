import { ask, openInstances, openSite } from '@mcp-router/testkit/nginx'
import { describe, expect, it } from 'vitest'

const said = {
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'mcps.example',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/gw',
}

/** What an instance hears of a request that another proxy on this machine passed to Nginx. */
const heard = async (trustedProxies: readonly string[], path: string, headers: object = said) => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address], trustedProxies })
  await ask(port, path, { headers: { host: 'inner:8080', ...headers } })
  return one!.arrived[0]!.headers
}

describe('a proxy in front of Nginx', () => {
  it.each(['loopback', '127.0.0.1', '127.0.0.0/8'])('is believed as %s', async (proxy) => {
    const headers = await heard(['10.0.0.1', proxy], '/mcp-bridge/sse/weather')
    expect(headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'mcps.example',
      'x-forwarded-port': '443',
      'x-forwarded-prefix': '/gw/mcp-bridge',
      'x-real-ip': '192.0.2.7',
      'x-forwarded-for': '192.0.2.7, 192.0.2.7',
    })
  })

  it('that is believed and says nothing changes nothing', async () => {
    const headers = await heard(['loopback'], '/mcp/weather', {})
    expect(headers).toMatchObject({
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'inner:8080',
      'x-forwarded-for': '127.0.0.1',
    })
    expect(headers).not.toHaveProperty('x-forwarded-prefix')
  })

  it('that is believed cannot put more into a prefix than a path', async () => {
    const forged = { ...said, 'x-forwarded-prefix': '//evil.example', 'x-forwarded-proto': 'ftp' }
    const headers = await heard(['loopback'], '/mcp/weather', forged)
    expect(headers).not.toHaveProperty('x-forwarded-prefix')
    expect(headers['x-forwarded-proto']).toBe('http')
  })

  it('of any other address is not believed; that it forwards stays visible', async () => {
    const headers = await heard(['10.0.0.1'], '/mcp/weather')
    expect(headers).toMatchObject({
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'inner:8080',
      'x-forwarded-for': '192.0.2.7, 127.0.0.1',
      'x-real-ip': '127.0.0.1',
    })
    expect(headers).not.toHaveProperty('x-forwarded-prefix')
  })
})

describe('the instances', () => {
  it('know Nginx by its secret, whatever a client shows', async () => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address], proxySecret: 'shown' })
    await ask(port, '/mcp/weather', { headers: { 'x-mcp-router-proxy': 'forged' } })
    expect(one!.arrived[0]!.headers['x-mcp-router-proxy']).toBe('shown')
  })
})
