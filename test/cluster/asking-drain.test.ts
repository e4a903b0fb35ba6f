import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { stdioCommand } from '../conformance/fixture.js'
import { converse } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { request } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { answerRound, beginCall, saidBy } from '../matrix/rounds.js'

const cluster = useCluster(() => ({
  servers: { asking: stdioCommand('stdio-legacy') },
  env: { MCP_DRAIN_MS: '20000' },
}))

afterEach(async () => {
  await cluster().restart()
  await membersAreBack(cluster())
})

/** beginDrain has an Instance told to end, and resolves once no other reaches it any more at its port, with how to wait for its end. */
const beginDrain = async ({ at, pid, url }: Member) => {
  const leaving = processAt(pid)
  const others = cluster().instances.filter((other) => other !== url)
  const probes = await Promise.all(
    others.map(async (other) => {
      const { session, headers } = await converse('http', { base: url, backend: 'asking' })
      expect((await ownerOf(cluster(), session)).at).toBe(at)
      return async () => {
        await post(`${other}/mcp/asking`, request(1, 'tools/list', {}), headers)
        return (await ownerOf(cluster(), session)).at !== at
      }
    }),
  )
  process.kill(pid, 'SIGTERM')
  for (const isMoved of probes) await until('a session of it to be taken over', isMoved)
  return () => until('its end', () => leaving !== undefined && !isAlive(leaving))
}

/** The only session of a client of 2024-11-05. */
const sseSession = async (): Promise<string> => {
  const { redis } = cluster()
  const keys = await redis.keys('mcp:sessions:*')
  const types = await Promise.all(keys.map((key) => redis.hget(key, 'transportType')))
  const [only = '', ...others] = keys.filter((_, at) => types[at] === 'SSE')
  expect([only === '', others]).toEqual([false, []])
  return only.slice('mcp:sessions:'.length)
}

const overHttp = () => {
  const transport = new StreamableHTTPClientTransport(new URL(`${cluster().gateway}/mcp/asking`))
  return { transport, session: () => Promise.resolve(transport.sessionId ?? '') }
}
const overSse = () => ({
  transport: new SSEClientTransport(new URL(`${cluster().gateway}/sse/asking?clientId=ada`)),
  session: sseSession,
})

describe('a call whose user takes longer than its instance lives', () => {
  it.each([
    ['Streamable HTTP', overHttp],
    ['2024-11-05', overSse],
  ])('ends in its result over %s', async (_, open) => {
    const { transport, session } = open()
    const client = new Client(
      { name: 'proof', version: '1.0.0' },
      { capabilities: { elicitation: { form: {} } } },
    )
    onTestFinished(() => client.close())
    let asked = false
    let answer = (): void => undefined
    const answered = new Promise<void>((resolve) => (answer = resolve))
    client.setRequestHandler(ElicitRequestSchema, async () => {
      asked = true
      await answered
      return { action: 'accept', content: { username: 'ada', email: 'ada@example.org' } }
    })
    await client.connect(transport)
    const call = { name: 'test_elicitation', arguments: { message: 'Who are you?' } }
    const result = client.callTool(call)
    result.catch(() => undefined)
    await until('the question', () => asked)
    const ended = await beginDrain(await ownerOf(cluster(), await session()))
    answer()
    expect(JSON.stringify(await result)).toContain('ada@example.org')
    await ended()
    expect((await client.listTools()).tools).not.toEqual([])
  })

  it('ends in its result where its client is of 2026-07-28', async () => {
    const at = (n: number): string => `${cluster().instances[n]}/mcp/asking`
    const call = { name: 'test_input_required_result_elicitation' }
    const asked = await beginCall(at(0), call)
    const ended = await beginDrain(memberAt(cluster(), 0))
    expect(saidBy(await answerRound(at(1), call, asked))).toBe('Hello, Ada!')
    await ended()
  })
})
