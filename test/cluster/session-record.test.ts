import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { ask, post } from '../harness/http.js'
import { monitorRedis } from '../harness/monitor.js'
import { expectRefusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const keyOf = (session: string): string => `mcp:sessions:${session}`

describe('a session in Redis', () => {
  const cluster = useCluster({ servers: { odd: oddStdioEntry } })

  it('is listed with all that another instance needs, for half an hour at most', async () => {
    const { redis, instances } = cluster()
    const client = await converse('http', { base: instances[1], backend: 'mcp-server-v6' })
    await client.ask(request(1, 'logging/setLevel', { level: 'warning' }))
    const uri = 'note://welcome'
    await client.ask(request(2, 'resources/subscribe', { uri }))
    await client.ask(request(3, 'tools/list'))

    const record = await redis.hgetall(keyOf(client.session))
    expect(record).toMatchObject({
      sessionId: client.session,
      instanceId: 'router-instance-2',
      serviceName: 'mcp-server-v6',
      transportType: 'STREAMABLE',
      active: 'true',
      principal: 'anonymous',
      revision: '2025-06-18',
      epoch: '0',
      loggingLevel: 'warning',
      subscriptions: JSON.stringify([uri]),
    })
    expect(record['backendSessionId']).not.toBe(client.session)
    expect(record['backendSessionId']).not.toBe('')
    expect(record['endpoint']).toMatch(/^mcp-server-v6#[12]$/)
    // What tells whether that name still means the same server, without saying where it is.
    expect(record['place']).toMatch(/^[\w+/=-]+$/)
    expect(Date.parse(record['lastActive'] ?? '')).toBeGreaterThan(Date.now() - 60_000)
    const params = JSON.parse(record['initialize'] ?? '') as { clientInfo: object }
    expect(params.clientInfo).toEqual({ name: 'proof', version: '1' })
    const ttl = await redis.ttl(keyOf(client.session))
    expect(ttl).toBeGreaterThan(1_700)
    expect(ttl).toBeLessThanOrEqual(1_800)
    await client.close()
  })

  it('names its owner where only one instance can serve it', async () => {
    const { redis, instances } = cluster()
    const sse = await converse('sse', { base: instances[2], backend: 'mcp-server-v6' })
    const stdio = await converse('http', { base: instances[0], backend: 'odd' })
    await until('the revision in the record', async () => {
      const record = await redis.hgetall(keyOf(sse.session))
      return record['revision'] === '2025-06-18'
    })
    expect(await redis.hgetall(keyOf(sse.session))).toMatchObject({
      instanceId: 'router-instance-3',
      transportType: 'SSE',
      epoch: '1',
      initialize: expect.stringContaining('proof'),
    })
    expect(await redis.hgetall(keyOf(stdio.session))).toMatchObject({
      instanceId: 'router-instance-1',
      transportType: 'STREAMABLE',
      epoch: '1',
      endpoint: 'odd#1',
    })
    await stdio.close()
    await sse.close()
    // Its client may come back for it.
    expect(await redis.exists(keyOf(sse.session))).toBe(1)
  })

  it('belongs to instances that are listed with a lease', async () => {
    const { redis, instances } = cluster()
    const ids = await redis.smembers('mcp:instances')
    expect(ids.sort()).toEqual(['router-instance-1', 'router-instance-2', 'router-instance-3'])
    const lease = await redis.hgetall('mcp:instance:router-instance-1')
    expect(lease).toMatchObject({ address: instances[0] })
    expect(processAt(Number(lease['pid']))?.command).toContain('serve')
    expect(await redis.ttl('mcp:instance:router-instance-1')).toBeLessThanOrEqual(15)
  })
})

const ttlMs = 2_400
const touchMs = 400

const sessionsAt = async (instance: string, backend: string): Promise<number | undefined> => {
  const { backends } = (await ask(`${instance}/api/status`)).json() as {
    readonly backends: readonly { readonly name: string; readonly sessions: number }[]
  }
  return backends.find(({ name }) => name === backend)?.sessions
}

describe('the life of a session', () => {
  const cluster = useCluster({
    servers: { odd: oddStdioEntry },
    env: {
      MCP_SESSION_TTL_MS: String(ttlMs),
      MCP_TOUCH_MS: String(touchMs),
      MCP_IDLE_UPSTREAM_MS: '500',
    },
  })

  it.each(['mcp-server-v6', 'odd'])('costs no Redis command per call (%s)', async (backend) => {
    const { instances, redis } = cluster()
    const client = await converse('http', { base: instances[0], backend })
    await using monitor = await monitorRedis(redis, keyOf(client.session))
    const began = Date.now()
    for (let id = 1; id <= 200; id++) await client.ask(toolCall(id, 'echo', { text: 'x' }))
    const periods = Math.ceil((Date.now() - began) / touchMs)
    expect(monitor.commands().length).toBeLessThanOrEqual(periods)
    await until('a touch', () => monitor.commands().length > 0)
    await client.close()
  })

  it.concurrent.each(['mcp-server-v6', 'odd'])(
    'is renewed by use and ends without (%s)',
    async (backend) => {
      const { instances, redis } = cluster()
      const client = await converse('http', { base: instances[0], backend })
      const left = (): Promise<number> => redis.pttl(keyOf(client.session))
      const child =
        backend === 'odd'
          ? processAt(Number(textOf(await client.ask(toolCall(1, 'pid')))))
          : undefined
      for (let renewal = 1; renewal <= 2; renewal++) {
        await until('half of its life to pass', async () => (await left()) < ttlMs / 2)
        await client.ask(toolCall(2, 'echo', { text: 'x' }))
        await until('its life to be renewed', async () => (await left()) > ttlMs / 2)
      }
      await until('its end', async () => (await left()) === -2)
      if (child) await until('the end of the child', () => !isAlive(child))
      for (const instance of instances) {
        // To ask for it before would be to use it.
        await until('it to be forgotten', async () => (await sessionsAt(instance, backend)) === 0)
        const answer = await post(`${instance}/mcp/${backend}`, toolCall(3, 'x'), client.headers)
        expectRefusal(answer, { status: 404, code: -32001, says: /session/, id: 3 })
      }
    },
  )

  it.concurrent('is not needed for a call, whose process is ended when idle', async () => {
    const [instance] = cluster().instances
    const client = await converse('call', { base: instance, backend: 'odd' })
    const child = processAt(Number(textOf(await client.ask(toolCall(1, 'pid')))))
    await until('the end of the process', () => child && !isAlive(child))
    expect(textOf(await client.ask(toolCall(2, 'echo', { text: 'anew' })))).toBe('anew')
  })

  it.concurrent('goes on as long as a stream is open, however quiet', async () => {
    const { instances, redis } = cluster()
    const client = await converse('sse', { base: instances[0], backend: 'odd' })
    const end = Date.now() + 2 * ttlMs
    await until('two lives to pass', async () => {
      expect(await redis.exists(keyOf(client.session))).toBe(1)
      return Date.now() > end
    })
    expect(textOf(await client.ask(toolCall(1, 'echo', { text: 'still here' })))).toBe('still here')
    await client.close()
    expect((await ask(client.url, { method: 'POST' })).status).not.toBe(202)
  })
})
