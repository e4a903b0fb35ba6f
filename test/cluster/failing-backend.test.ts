import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import type { Conversation, Downstream } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { useFixture } from '../harness/fixture.js'
import { post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import type { Refusal } from '../harness/refusal.js'
import { initialize, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const node = process.execPath
const cluster = useCluster(() => ({
  servers: {
    http: { url: odd().url },
    stdio: oddStdioEntry,
    // Nobody listens on the discard port.
    down: { url: 'http://127.0.0.1:9/mcp' },
    missing: { command: 'no-such-program' },
    exits: { command: node, args: ['-e', 'process.exit(3)'] },
  },
}))

const retry = { 'retry-after': /^\d+$/ }
const unreachable: Refusal = {
  status: 503,
  code: -31503,
  says: /check that the server is running/,
  headers: retry,
  id: 1,
}
const exited: Refusal = {
  ...unreachable,
  says: /\(its command exited with 3\); check its args and env$/,
}
// Trying again does not help: no Retry-After.
const notInstalled: Refusal = {
  status: 502,
  code: -31502,
  says: /"missing" cannot be used: its command "no-such-program" is not installed; do not retry/,
  id: 1,
}
const brokeOff: Refusal = {
  status: 200,
  code: -31001,
  says: /was sent, and server .* closed the connection before responding .*; it was not retried/,
  id: 1,
}

describe('a server that cannot be reached', () => {
  it.each([
    ['down', unreachable],
    ['missing', notInstalled],
    ['exits', exited],
  ] as const)('is told to a call (%s)', async (backend, refusal) => {
    const answer = await post(`${cluster().gateway}/mcp/router/route/${backend}`, toolCall(1, 'x'))
    expectRefusal(answer, refusal)
    expect('retry-after' in answer.headers).toBe(refusal.status === 503)
    expect(answer.text).toContain(`"${backend}\\"`)
  })

  it.each([
    ['down', unreachable],
    ['missing', notInstalled],
  ] as const)('is told to an http client (%s)', async (backend, refusal) => {
    const answer = await post(`${cluster().gateway}/mcp/${backend}`, initialize(1))
    expectRefusal(answer, refusal)
    expect('retry-after' in answer.headers).toBe(refusal === unreachable)
  })

  it('is told to an http client whose server dies at once', async () => {
    const answer = await post(`${cluster().gateway}/mcp/exits`, initialize(1))
    expectRefusal(answer, {
      status: 502,
      code: -31502,
      says: /did not open a session.*exited with 3.*nothing was called\. Check how it is configured/,
      id: 1,
    })
    expect(answer.headers).not.toHaveProperty('retry-after')
  })

  it('is told to an sse client before or on its stream', async () => {
    const { gateway } = cluster()
    const missing = await openStream(`${gateway}/sse/missing`)
    expect([missing.status, missing.headers['retry-after']]).toEqual([502, undefined])
    missing.close()
    const down = await openStream(`${gateway}/sse/down`)
    const path = await until('the endpoint event', () => down.events[0]?.data)
    const address = new URL(path, gateway).href
    expect((await post(address, initialize(1))).status).toBe(202)
    const answer = JSON.parse(await down.message(({ id }) => id === 1))
    expect(answer.error).toMatchObject({
      code: -31503,
      message: expect.stringMatching(/check that the server is running/),
    })
    down.close()
  })
})

const open = (way: Downstream, backend: string, base = cluster().gateway): Promise<Conversation> =>
  converse(way, { base, backend })

/** expectError sends a request and reads its error where this downstream tells it: in the HTTP answer, or on the stream. */
const expectError = async (
  client: Conversation,
  request: string,
  expected: Refusal,
): Promise<void> => {
  if (client.downstream !== 'sse') {
    expectRefusal(await client.send(request), expected)
    return
  }
  const answer = JSON.parse(await client.ask(request))
  expect(answer).toMatchObject({ id: expected.id, error: { code: expected.code } })
  expect(answer.error.message).toMatch(expected.says)
}

describe.each(downstreams)('a call of a %s client', (way) => {
  it('ends at once when its server cuts the connection', async () => {
    const client = await open(way, 'http')
    await expectError(client, toolCall(1, 'cut'), brokeOff)
    expect(textOf(await client.ask(toolCall(2, 'echo', { text: 'goes on' })))).toBe('goes on')
    await client.close()
  })

  it('ends with an error when the answer breaks off after it began', async () => {
    const client = await open(way, 'http')
    if (way === 'http') {
      const answer = await client.send(toolCall(1, 'break'))
      expect(answer.messages().map((each) => JSON.parse(each))).toMatchObject([
        { method: 'notifications/message' },
        { id: 1, error: { code: -31001 } },
      ])
    } else await expectError(client, toolCall(1, 'break'), brokeOff)
    expect(textOf(await client.ask(toolCall(2, 'echo', { text: 'goes on' })))).toBe('goes on')
    await client.close()
  })

  it('ends when the process that works on it is killed', async () => {
    // Each instance has a shared process of its own for calls.
    const [instance] = cluster().instances
    const client = await open(way, 'stdio', instance)
    const pid = Number(textOf(await client.ask(toolCall(0, 'pid'))))
    const call = expectError(client, toolCall(1, 'never', { key: way }), {
      ...brokeOff,
      says: /ended by SIGKILL/,
    })
    const arrived = toolCall(2, 'count', { key: way })
    await until('the call to arrive', async () => textOf(await client.ask(arrived)) === '1')
    process.kill(pid, 'SIGKILL')
    await call
    const next = await open(way, 'stdio', instance)
    expect(textOf(await next.ask(toolCall(3, 'echo', { text: 'anew' })))).toBe('anew')
    await next.close()
  })
})

it.each(['call', 'sse'] as const)('says to a %s client what is no answer', async (way) => {
  const client = await open(way, 'http')
  await expectError(client, toolCall(1, 'page'), {
    status: 502,
    code: -31502,
    says: /returned an invalid MCP response \(HTTP 500\)/,
    id: 1,
  })
  await client.close()
})

describe('a backend with two endpoints of which one is down', () => {
  it('takes calls and new sessions, and the old ones go on', async () => {
    const { gateway, redis } = cluster()
    const before = await Promise.all(Array.from({ length: 6 }, () => open('http', 'mcp-server-v6')))
    const [victim] = before
    const endpoint = String(await redis.hget(`mcp:sessions:${victim?.session}`, 'endpoint'))
    // The endpoints are numbered in the order of the servers file, from the first port.
    const number = Number(/^mcp-server-v6#([12])$/.exec(endpoint)?.[1])
    const port = Number(new URL(cluster().example).port) + number - 1
    const pid = cluster().pids().get(`backend-${port}`)
    if (pid === undefined) throw new Error(`no process of ${endpoint} on port ${port}`)
    process.kill(pid, 'SIGKILL')

    for (let n = 0; n < 8; n++) {
      const url = `${gateway}/mcp/router/route/mcp-server-v6`
      expect(textOf((await post(url, toolCall(n, 'echo', { text: 'up' }))).text)).toBe('up')
      const session = await open('http', 'mcp-server-v6')
      expect(textOf(await session.ask(toolCall(n, 'echo', { text: 'new' })))).toBe('new')
      await session.close()
    }
    for (const client of before) {
      expect(textOf(await client.ask(toolCall(1, 'echo', { text: 'old' })))).toBe('old')
      expect(await redis.hget(`mcp:sessions:${client.session}`, 'endpoint')).not.toBe(endpoint)
    }
  })
})
