import { createHash, createHmac } from 'node:crypto'
import { until } from '@mcp-router/testkit/wait'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { ask, jsonHeaders, post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const token = 'a-token-of-the-tests'
const bearer = { authorization: `Bearer ${token}` }
const cluster = useCluster({
  env: {
    ACCESS_TOKEN: token,
    ALLOWED_ORIGINS: 'https://app.example',
    ALLOWED_HOSTS: 'mcp.example',
  },
  servers: { odd: oddStdioEntry },
})

const entrances = ['nginx', 'instance'] as const
type Entrance = (typeof entrances)[number]
const baseOf = (entrance: Entrance): string =>
  entrance === 'nginx' ? cluster().gateway : cluster().instances[2]

const unknown = '6f1f7a0e-0000-4000-8000-000000000000'
const closed = [
  ['POST', '/mcp/router/route/odd'],
  ['POST', '/mcp/router/route/odd/timeout/5'],
  ['POST', '/mcp/odd'],
  ['GET', '/mcp/odd'],
  ['DELETE', '/mcp/odd'],
  ['GET', '/sse/odd'],
  ['GET', '/sse?serviceName=odd'],
  ['POST', `/mcp/odd/message?sessionId=${unknown}`],
  ['POST', '/mcp/nobody'],
  ['GET', '/api/status'],
  ['GET', '/metrics'],
] as const

describe.each(entrances)('with a token, through %s,', (entrance) => {
  it.each(closed)('%s %s is closed without it', async (method, path) => {
    for (const headers of [{}, { authorization: `Bearer ${token}x` }, { authorization: token }]) {
      const body = method === 'POST' ? toolCall(1, 'pid') : undefined
      const answer = await ask(baseOf(entrance) + path, {
        method,
        headers: { ...jsonHeaders, ...headers },
        ...(body && { body }),
      })
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
      expect(answer.text).toContain('send Authorization: Bearer <token>')
      expect(answer.text).not.toContain(token)
    }
  })

  it.each(['/health', '/actuator/health', '/ready'])('%s is open to probes', async (path) => {
    const answer = await ask(baseOf(entrance) + path)
    expect(answer.status).toBe(200)
    expect(answer.json()).toEqual({ status: path === '/ready' ? 'ready' : 'UP' })
  })

  it.each(downstreams)('%s is open to who has it', async (way) => {
    const options = { base: baseOf(entrance), backend: 'odd', headers: bearer }
    const client = await converse(way, options)
    expect(textOf(await client.ask(toolCall(1, 'echo', { text: 'in' })))).toBe('in')
    if (way !== 'call') {
      const without = { ...client.headers, authorization: '' }
      expect((await post(client.url, toolCall(2, 'pid'), without)).status).toBe(401)
    }
    await client.close()
  })

  it('answers 403 to a strange Host or Origin before it reads anything', async () => {
    const strange = [
      [{ host: 'evil.example' }, /Host evil\.example is not allowed/],
      [{ host: 'localhost.evil.example:80' }, /ALLOWED_HOSTS/],
      // Anybody on the network can answer for a name under .local.
      [{ host: 'mcp-bridge.local' }, /ALLOWED_HOSTS/],
      [{ origin: 'http://localhost:5173' }, /ALLOWED_ORIGINS/],
      [{ 'sec-fetch-site': 'cross-site' }, /ALLOWED_ORIGINS/],
      [{ origin: 'http://evil.example' }, /Origin http:\/\/evil\.example is not allowed/],
      [{ origin: 'null' }, /ALLOWED_ORIGINS/],
      [{ origin: 'https://app.example.evil.example' }, /ALLOWED_ORIGINS/],
    ] as const
    for (const [headers, says] of strange) {
      const url = `${baseOf(entrance)}/mcp/odd`
      const answer = await post(url, 'not even JSON', { ...bearer, ...headers })
      expectRefusal(answer, { status: 403, code: -31403, says })
      const status = await ask(`${baseOf(entrance)}/api/status`, {
        headers: { ...bearer, ...headers },
      })
      expect(status.status).toBe(403)
    }
  })

  it.each([
    ['GET', '/sse/odd'],
    ['GET', '/sse/odd?clientId=a'],
    ['GET', '/mcp/odd'],
    ['POST', '/mcp/router/route/odd'],
    ['POST', `/mcp/odd/message?sessionId=${unknown}`],
    ['GET', '/api/status'],
    ['GET', '/metrics'],
    ['GET', '/api/sessions/x/explain'],
  ])('answers 403 to %s %s that a page of another site embeds', async (method, path) => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { ...bearer, 'sec-fetch-site': site }
      const answer = await ask(baseOf(entrance) + path, { method, headers })
      expect(answer.status).toBe(403)
    }
  })

  it('answers the preflight of a listed origin without a token, and lets it read every refusal', async () => {
    const origin = 'https://app.example'
    for (const path of ['/mcp/odd', '/sse/odd', '/mcp/router/route/odd', '/api/status']) {
      const preflight = await ask(baseOf(entrance) + path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,Mcp-Param-Region,x-other',
        },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, POST, DELETE',
        vary: 'Origin, Access-Control-Request-Headers',
      })
      const allowed = String(preflight.headers['access-control-allow-headers']).split(', ')
      const wanted = ['authorization', 'mcp-session-id', 'last-event-id', 'mcp-param-region']
      expect(allowed).toEqual(expect.arrayContaining(wanted))
      expect(allowed).not.toContain('x-other')
      const refused = [await ask(baseOf(entrance) + path, { headers: { origin } })]
      if (path !== '/api/status') {
        const headers = { origin, ...jsonHeaders }
        const body = toolCall(1, 'pid')
        refused.push(await ask(baseOf(entrance) + path, { method: 'POST', headers, body }))
      }
      for (const { status, headers } of refused) {
        expect([path, status]).toEqual([path, 401])
        expect(headers).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-expose-headers':
            'Mcp-Session-Id, WWW-Authenticate, Retry-After, MCP-Protocol-Version',
          vary: 'Origin',
        })
      }
    }
  })

  it('lets pages of no other origin read anything, nor ask for it', async () => {
    for (const origin of ['https://evil.example', 'http://localhost:5173', 'null']) {
      for (const method of ['OPTIONS', 'POST']) {
        const wanted = { 'access-control-request-method': 'POST' }
        const headers = {
          origin,
          ...(method === 'OPTIONS' ? wanted : { ...bearer, ...jsonHeaders }),
        }
        const answer = await ask(`${baseOf(entrance)}/mcp/odd`, { method, headers })
        expect([origin, answer.status, answer.headers.vary]).toEqual([origin, 403, 'Origin'])
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      }
    }
  })

  it('lets loopback names, listed origins and the page of its own host in', async () => {
    const url = `${baseOf(entrance)}/mcp/router/route/odd`
    for (const headers of [
      { host: 'localhost:1234' },
      { host: 'mcp.example' },
      { origin: 'https://app.example' },
      { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
      { host: 'mcp.example', origin: 'http://mcp.example', 'sec-fetch-site': 'same-origin' },
    ]) {
      const answer = await post(url, toolCall(1, 'pid'), { ...bearer, ...headers })
      expect([headers, answer.status]).toEqual([headers, 200])
    }
  })
})

describe('what instances say to each other', () => {
  const handoff = '/internal/handoff/mcp/router/route/odd'
  const call = toolCall(1, 'pid')

  /** What an instance of this secret shows with the call. */
  const signed = (secret: string, target = handoff): Record<string, string> => {
    const at = Date.now()
    const digest = createHash('sha256').update(call).digest('base64url')
    const bound = [at, 'POST', target, 'access-token', 'r-1', 1, digest]
    const mac = createHmac('sha256', secret).update(JSON.stringify(['between instances', ...bound]))
    return {
      'x-mcp-router-signature': `${at}.${digest}.${mac.digest('base64url')}`,
      'x-mcp-router-principal': 'access-token',
      'x-mcp-router-hops': '1',
      'x-request-id': 'r-1',
    }
  }
  const secretOf = async (): Promise<string> =>
    String(await cluster().redis.get('mcp:cluster:secret'))

  it('has no address outside', async () => {
    const secret = await secretOf()
    expect(secret.length).toBeGreaterThanOrEqual(32)
    for (const path of [
      handoff,
      `/mcp-bridge${handoff}`,
      handoff.replace('/i', '/%69'),
      `/${handoff}`,
      `/mcp/..${handoff}`,
      handoff.replace('internal', 'INTERNAL'),
    ]) {
      const headers = { ...bearer, ...signed(secret) }
      const answer = await post(cluster().gateway + path, call, headers)
      expect([path, answer.status]).toEqual([path, 404])
    }
  })

  it('needs the secret of the cluster on an instance, and does not show it', async () => {
    const [instance] = cluster().instances
    for (const secret of ['', 'x', token, '0'.repeat(64)]) {
      const answer = await post(instance + handoff, call, signed(secret))
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('result')
    }
    const headers = signed(await secretOf())
    expect((await post(instance + handoff, call, headers)).status).toBe(200)
    // What was overheard is good for this very request only.
    expect((await post(instance + handoff, toolCall(2, 'pid'), headers)).status).toBe(400)
    expect((await post(`${instance}${handoff}/timeout/9`, call, headers)).status).toBe(404)
  })

  it('is not believed at other addresses', async () => {
    for (const base of [cluster().gateway, cluster().instances[0]]) {
      const answer = await post(`${base}/mcp/odd`, call, signed(await secretOf(), '/mcp/odd'))
      expect(answer.status).toBe(401)
    }
  })
})

describe('under the prefix /mcp-bridge/', () => {
  it('the endpoint event carries the prefix, and its address works', async () => {
    const { gateway } = cluster()
    for (const path of ['/sse/odd', '/sse?serviceName=odd']) {
      const stream = await openStream(`${gateway}/mcp-bridge${path}`, { headers: bearer })
      const address = await until('the endpoint event', () => stream.events[0]?.data)
      expect(address).toMatch(/^\/mcp-bridge\/mcp\/odd\/message\?sessionId=/)
      expect((await post(gateway + address, request(1, 'ping'), bearer)).status).toBe(202)
      await stream.message(({ id }) => id === 1)
      stream.close()
    }
  })

  it('the SDK client of HTTP+SSE works', async () => {
    const client = new Client({ name: 'proof', version: '1' })
    const requestInit = { headers: bearer }
    const url = new URL(`${cluster().gateway}/mcp-bridge/sse/mcp-server-v6`)
    await client.connect(new SSEClientTransport(url, { requestInit }))
    const result = await client.callTool({ name: 'echo', arguments: { text: 'prefixed' } })
    expect(result.content).toEqual([{ type: 'text', text: 'prefixed' }])
    await client.close()
  })

  it.each(downstreams)('%s works', async (way) => {
    const base = `${cluster().gateway}/mcp-bridge`
    const client = await converse(way, { base, backend: 'odd', headers: bearer })
    expect(textOf(await client.ask(toolCall(1, 'echo', { text: 'in' })))).toBe('in')
    await client.close()
  })

  it('nobody but a proxy says which prefix', async () => {
    const headers = { ...bearer, 'x-forwarded-prefix': '/evil', 'x-forwarded-host': 'localhost:1' }
    for (const base of [cluster().gateway, cluster().instances[0]]) {
      const stream = await openStream(`${base}/sse/odd`, { headers })
      const address = await until('the endpoint event', () => stream.events[0]?.data)
      expect(address).toMatch(/^\/mcp\/odd\/message\?/)
      stream.close()
    }
  })
})
