import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { useFixture } from '../harness/fixture.js'
import { dispatch, jsonHeaders, post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const sdk = useFixture('stateless')
const cluster = useCluster(() => ({
  servers: { http: { url: odd().url }, stdio: oddStdioEntry, sdk: { url: sdk().url } },
  env: { MCP_KEEPALIVE_MS: '400' },
}))

const backends = ['http', 'stdio'] as const
const ways = backends.flatMap((backend) => downstreams.map((way) => [way, backend] as const))

describe('a tool that says nothing for six seconds', () => {
  it.concurrent.each(ways)('answers %s over %s', async (way, backend) => {
    const client = await converse(way, { base: cluster().gateway, backend })
    const began = Date.now()
    const answer = await client.ask(toolCall(1, 'slow', { ms: 6_000 }), 15_000)
    expect(textOf(answer)).toBe('awake')
    expect(Date.now() - began).toBeGreaterThanOrEqual(5_900)
    await client.close()
  })
})

describe('a deadline', () => {
  it.each(backends)('that passed is told, and ends the work (%s)', async (backend) => {
    // One instance: each has a shared conversation of its own with a server.
    const [instance] = cluster().instances
    const call = (name: string): string => toolCall(name, name, { ms: 10_000 })
    const url = `${instance}/mcp/router/route/${backend}`
    const before = Number(textOf((await post(url, call('cancelled'))).text))
    const late = await Promise.all(
      ['never', 'slow'].map((name) => post(`${url}/timeout/1`, call(name))),
    )
    for (const [n, id] of ['never', 'slow'].entries())
      expectRefusal(late[n]!, {
        status: 504,
        code: -31504,
        says: new RegExp(
          `^No answer from server "${backend}" within 1 s; set a longer deadline with .*/timeout/<seconds>`,
        ),
        id,
      })
    await until('the server to hear of it', async () => {
      return Number(textOf((await post(url, call('cancelled'))).text)) === before + 2
    })
  })

  it('is as long as the client asks for', async () => {
    const url = `${cluster().gateway}/mcp/router/route/stdio`
    const slow = toolCall(1, 'slow', { ms: 1_200 })
    const answers = await Promise.all([post(`${url}/timeout/3`, slow), post(url, slow)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    for (const wrong of ['-1', 'soon', '1.5'])
      expect((await post(`${url}/timeout/${wrong}`, slow)).status).toBe(400)
  })
})

describe('a client that leaves in the middle of a call', () => {
  it.each(backends)('ends the work (%s)', async (backend) => {
    const [instance] = cluster().instances
    const client = await converse('call', { base: instance, backend })
    const ask = async (name: string): Promise<string> =>
      textOf(await client.ask(toolCall(name, name, { key: `leaving ${backend}` })))
    const before = Number(await ask('cancelled'))
    const body = toolCall(1, 'never', { key: `leaving ${backend}` })
    const leaving = dispatch(client.url, { method: 'POST', headers: jsonHeaders, body })
    leaving.on('error', () => undefined)
    await until('the call to arrive', async () => Number(await ask('count')) > 0)
    leaving.destroy()
    await until('the server to hear of it', async () => Number(await ask('cancelled')) > before)
  })
})

describe('a quiet stream', () => {
  it('of a GET is kept alive by comments', async () => {
    for (const backend of ['stdio', 'mcp-server-v6']) {
      const client = await converse('http', { base: cluster().gateway, backend })
      const stream = await openStream(client.url, { headers: client.headers })
      await until('two comments', () => stream.comments() >= 2)
      expect(stream.events).toEqual([])
      stream.close()
      await client.close()
    }
  })

  it('of an sse client is kept alive by comments', async () => {
    const client = await converse('sse', { base: cluster().gateway, backend: 'stdio' })
    const before = client.stream!.comments()
    await until('two comments', () => client.stream!.comments() >= before + 2)
    await client.close()
  })

  it.each(['stdio', 'http'])('of a POST is kept alive by comments (%s)', async (backend) => {
    const client = await converse('http', { base: cluster().gateway, backend })
    const key = `quiet ${backend}`
    const stream = await openStream(client.url, {
      method: 'POST',
      headers: { ...jsonHeaders, ...client.headers },
      body: toolCall('held', 'hold', { key }),
    })
    await stream.message(({ params }) => params?.data === 'held')
    const before = stream.comments()
    await until('two comments', () => stream.comments() >= before + 2)
    expect(textOf(await client.ask(toolCall(2, 'release', { key })))).toBe('true')
    expect(textOf(await stream.message(({ id }) => id === 'held'))).toBe('released')
    await until('the end of the stream', () => stream.state() === 'ended')
    await client.close()
  })
})

describe('Nginx holds nothing back', () => {
  it.each(['stdio', 'http'])('of what a POST is answered with (%s)', async (backend) => {
    const client = await converse('http', { base: cluster().gateway, backend })
    const key = `first ${backend}`
    const stream = await openStream(client.url, {
      method: 'POST',
      headers: { ...jsonHeaders, ...client.headers },
      body: toolCall('held', 'hold', { key }),
    })
    // The answer is made only once the first event has arrived.
    await stream.message(({ params }) => params?.data === 'held')
    expect(stream.messages()).toHaveLength(1)
    await client.ask(toolCall(2, 'release', { key }))
    await stream.message(({ id }) => id === 'held')
    await client.close()
  })

  it('of the progress that a server of the SDK reports', async () => {
    const client = await converse('http', { base: cluster().gateway, backend: 'sdk' })
    const _meta = { progressToken: 'p' }
    const params = { name: 'count', arguments: { to: 3 }, _meta }
    const answer = await client.send(request(1, 'tools/call', params))
    expect(answer.messages().map((each) => JSON.parse(each).params?.progress)).toEqual([
      1,
      2,
      3,
      undefined,
    ])
    expect(answer.headers['x-accel-buffering']).toBe('no')
    await client.close()
  })

  it('of the stream of an sse client', async () => {
    const client = await converse('sse', { base: cluster().gateway, backend: 'stdio' })
    await client.send(toolCall('held', 'hold', { key: 'sse' }))
    await client.stream!.message(({ params }) => params?.data === 'held')
    expect(textOf(await client.ask(toolCall(2, 'release', { key: 'sse' })))).toBe('true')
    await client.stream!.message(({ id }) => id === 'held')
    await client.close()
  })
})
