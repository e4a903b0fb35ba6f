import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, run, treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { useFixture } from '../harness/fixture.js'
import { ask, post } from '../harness/http.js'
import { cli } from '../harness/paths.js'
import { initialize, textOf, toolCall } from '../harness/rpc.js'
import { serve } from '../harness/serve.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { http: { url: odd().url }, stdio: oddStdioEntry },
}))

const backends = ['http', 'stdio'] as const

/** begin sends a slow call and resolves, once the backend has it, with the way to its answer. */
const begin = async (client: Conversation, key: string): Promise<() => Promise<string>> => {
  const answer = client.ask(toolCall('slow', 'slow', { ms: 1_500, key }))
  // Looked at later, when the instance is gone perhaps.
  answer.catch(() => undefined)
  const arrived = toolCall('arrived', 'count', { key })
  await until('the call to arrive', async () => textOf(await client.ask(arrived)) === '1')
  return () => answer
}

describe('an instance that is told to end', () => {
  it('finishes what it works on, ends its streams, and leaves nothing behind', async () => {
    const { redis, redisUrl, serversFile, instances } = cluster()
    const id = 'router-instance-leaving'
    const leaving = await serve(['--servers', serversFile, '--instance', id], {
      REDIS_URL: redisUrl,
    })
    const ways = backends.flatMap((backend) => downstreams.map((way) => [way, backend] as const))
    const clients = await Promise.all(
      ways.map(([way, backend]) => converse(way, { base: leaving.url, backend })),
    )
    const [quiet, another] = await Promise.all([
      converse('http', { base: leaving.url, backend: 'stdio' }),
      converse('http', { base: instances[0], backend: 'http' }),
    ])
    const stream = await openStream(quiet.url, { headers: quiet.headers })
    const slow = await Promise.all(clients.map((client, n) => begin(client, `drain ${n}`)))
    const tree = treeOf([leaving.process.pid])
    expect(tree.length).toBeGreaterThan(3)
    expect(await redis.exists(`mcp:instance:${id}`)).toBe(1)

    leaving.process.kill('SIGTERM')
    const answers = await Promise.all(slow.map((answer) => answer()))
    expect(answers.map(textOf)).toEqual(ways.map(() => 'awake'))
    expect(await leaving.process.ended, leaving.process.output()).toBe(0)

    const streams = [stream, ...clients.flatMap((client) => client.stream ?? [])]
    expect(streams.map((each) => each.state())).toEqual(['ended', 'ended', 'ended'])
    expect(await redis.exists(`mcp:instance:${id}`)).toBe(0)
    expect(await redis.sismember('mcp:instances', id)).toBe(0)
    expect(tree.filter(isAlive)).toEqual([])
    expect(textOf(await another.ask(toolCall(1, 'echo', { text: 'here' })))).toBe('here')
    const portable = clients.find(
      ({ downstream, url }) => downstream === 'http' && /http$/.test(url),
    )
    const elsewhere = await post(
      `${instances[1]}/mcp/http`,
      toolCall(2, 'echo', { text: 'goes on' }),
      portable?.headers,
    )
    expect(textOf(elsewhere.messages()[0] ?? '')).toBe('goes on')
  })

  it('is not missed by the clients of Nginx', async () => {
    const { gateway, instances } = cluster()
    const port = new URL(instances[1]).port
    const pid = cluster().pids().get(`router-${port}`) ?? 0
    const [process_] = treeOf([pid])
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => converse('http', { base: gateway, backend: 'http' })),
    )
    const slow = await Promise.all(clients.map((client, n) => begin(client, `behind nginx ${n}`)))
    process.kill(pid, 'SIGTERM')
    let calls = 0
    await until('the end of the instance', async () => {
      for (const client of clients) {
        const text = `call ${calls++}`
        expect(textOf(await client.ask(toolCall(calls, 'echo', { text })))).toBe(text)
      }
      expect((await post(`${gateway}/mcp/stdio`, initialize())).status).toBe(200)
      return process_ && !isAlive(process_)
    })
    expect(calls).toBeGreaterThan(20)
    expect((await Promise.all(slow.map((answer) => answer()))).map(textOf)).toEqual(
      clients.map(() => 'awake'),
    )
  })
})

describe('what an instance tells', () => {
  const secret = 'an-argument-that-nobody-may-read'
  const logOf = (instance: string): readonly string[] =>
    readFileSync(join(cluster().runDir, 'logs', `router-${new URL(instance).port}.log`), 'utf8')
      .trimEnd()
      .split('\n')

  /** nameInLogs is what `sessions list` says that logs call this session; without one: no name. */
  const nameInLogs = async (session: string): Promise<string> => {
    if (session === '') return ''
    const list = run([cli, 'sessions', 'list', '--json'], { REDIS_URL: cluster().redisUrl })
    expect(await list.ended, list.output()).toBe(0)
    const listed = JSON.parse(list.output()) as readonly { id: string; inLogs: string }[]
    const name = listed.find(({ id }) => id === session)?.inLogs
    expect(name).toMatch(/^[0-9a-f]{16}$/)
    return name ?? ''
  }

  it('is one line of JSON per call, without its arguments', async () => {
    const [instance] = cluster().instances
    for (const way of downstreams) {
      const client = await converse(way, { base: instance, backend: 'stdio' })
      const requestId = `proof-${way}`
      const call = toolCall(secret, 'echo', { text: secret })
      const named = { 'x-request-id': requestId, ...cluster().asProxy() }
      await client.send(call, { ...named, authorization: `Bearer ${secret}` })
      const line = await until('the line of the call', () =>
        logOf(instance).find((each) => each.includes(requestId)),
      )
      expect(JSON.parse(line)).toEqual({
        level: 'info',
        message: 'call',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        instance: 'router-instance-1',
        requestId,
        session: await nameInLogs(client.session),
        principal: 'anonymous',
        downstream: way,
        backend: 'stdio',
        endpoint: 'stdio#1',
        method: 'tools/call',
        status: way === 'sse' ? 202 : 200,
        durationMs: expect.any(Number),
        outcome: 'ok',
      })
      await client.close()
    }
    const lines = logOf(instance)
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow()
    expect(lines.join('\n')).not.toContain(secret)
    expect(lines.join('\n')).not.toContain('token')
    expect(lines.some((line) => line.includes('odd complains'))).toBe(true)
  })

  it('is counted by backend and instance', async () => {
    const [instance] = cluster().instances
    const client = await converse('http', { base: instance, backend: 'stdio' })
    await client.ask(toolCall(1, 'echo', { text: 'x' }))
    await client.send('no JSON')
    const stream = await openStream(client.url, { headers: client.headers })
    const metrics = (await ask(`${instance}/metrics`)).text
    const labels = 'backend="stdio".*instance="router-instance-1"'
    for (const line of [
      `mcp_router_calls_total\\{${labels.replace('.*', '.*method="tools/call",outcome="ok".*')}\\} [1-9]`,
      `mcp_router_errors_total\\{backend="stdio",outcome="PARSE_ERROR",instance="router-instance-1"\\} 1`,
      `mcp_router_call_duration_seconds_bucket\\{.*${labels}.*\\} [1-9]`,
      `mcp_router_sessions\\{${labels}\\} [1-9]`,
      `mcp_router_streams\\{${labels}\\} 1`,
      `mcp_router_upstreams\\{${labels}\\} [1-9]`,
    ])
      expect(metrics).toMatch(new RegExp(`^${line}`, 'm'))
    stream.close()
    await client.close()
    await until('the stream to be uncounted', async () =>
      new RegExp(`^mcp_router_streams\\{${labels}\\} 0`, 'm').test(
        (await ask(`${instance}/metrics`)).text,
      ),
    )
  })
})
