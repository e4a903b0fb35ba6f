import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { ask, jsonHeaders, post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import { initialize, request, textOf, toolCall } from '../harness/rpc.js'
import { until } from '../harness/until.js'
import { useCluster } from '../harness/use-cluster.js'

const token = 'a-token-of-the-tests'
const bearer = { authorization: `Bearer ${token}` }
const cluster = useCluster({
  env: { ACCESS_TOKEN: token, ALLOWED_ORIGINS: 'https://app.example' },
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

  it('lets loopback names, listed origins and the page of its own host in', async () => {
    const url = `${baseOf(entrance)}/mcp/router/route/odd`
    for (const headers of [
      { host: 'localhost:1234' },
      { host: 'mcp-bridge.local' },
      { origin: 'https://app.example' },
      { host: 'mcp-bridge.local', origin: 'http://mcp-bridge.local' },
    ]) {
      const answer = await post(url, toolCall(1, 'pid'), { ...bearer, ...headers })
      expect([headers, answer.status]).toEqual([headers, 200])
    }
  })
})

describe('what instances say to each other', () => {
  const handoff = '/internal/handoff/mcp/router/route/odd'
  const forged = { 'x-mcp-router-principal': 'access-token' }

  it('has no address outside', async () => {
    const secret = String(await cluster().redis.get('mcp:cluster:secret'))
    expect(secret.length).toBeGreaterThanOrEqual(32)
    const headers = { ...bearer, ...forged, 'x-mcp-router-secret': secret }
    for (const path of [
      handoff,
      `/mcp-bridge${handoff}`,
      handoff.replace('/i', '/%69'),
      `/${handoff}`,
      `/mcp/..${handoff}`,
      handoff.replace('internal', 'INTERNAL'),
    ]) {
      const answer = await post(cluster().gateway + path, toolCall(1, 'pid'), headers)
      expect([path, answer.status]).toEqual([path, 404])
    }
  })

  it('needs the secret of the cluster on an instance', async () => {
    const [instance] = cluster().instances
    for (const secret of ['', 'x', token, '0'.repeat(64)]) {
      const headers = { ...forged, 'x-mcp-router-secret': secret }
      const answer = await post(instance + handoff, toolCall(1, 'pid'), headers)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('result')
    }
    const secret = String(await cluster().redis.get('mcp:cluster:secret'))
    const headers = { ...forged, 'x-mcp-router-secret': secret }
    expect((await post(instance + handoff, toolCall(1, 'pid'), headers)).status).toBe(200)
  })

  it('is not believed at other addresses', async () => {
    const secret = String(await cluster().redis.get('mcp:cluster:secret'))
    for (const base of [cluster().gateway, cluster().instances[0]]) {
      const headers = { ...forged, 'x-mcp-router-secret': secret }
      const answer = await post(`${base}/mcp/odd`, initialize(), headers)
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
      expect(address).toMatch(new RegExp(`^${gateway}/mcp-bridge/mcp/odd/message\\?sessionId=`))
      expect((await post(address, request(1, 'ping'), bearer)).status).toBe(202)
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
    const stream = await openStream(`${cluster().gateway}/sse/odd`, { headers })
    const address = await until('the endpoint event', () => stream.events[0]?.data)
    expect(new URL(address).origin).toBe(cluster().gateway)
    expect(new URL(address).pathname).toBe('/mcp/odd/message')
    stream.close()
  })
})
