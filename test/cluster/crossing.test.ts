import { isAlive, treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { expect, it } from 'vitest'
import { oddStdioEntry, wrappedStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import { useFixture } from '../harness/fixture.js'
import { ask, post } from '../harness/http.js'
import { notification, response, textOf, toolCall, ownId } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const plain = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { odd: oddStdioEntry, wrapped: wrappedStdioEntry, plain: { url: plain().url } },
}))

/** at is an address on one Instance: 0, 1 or 2. */
const at = (instance: 0 | 1 | 2, url: string): string => {
  const { pathname, search } = new URL(url)
  return cluster().instances[instance] + pathname + search
}

it('answers on the stream of the owner when the POST lands on another instance', async () => {
  const client = await converse('sse', { base: cluster().instances[0], backend: 'mcp-server-v6' })
  for (const other of [1, 2] as const) {
    const accepted = await post(at(other, client.url), toolCall(other, 'add', { a: other, b: 40 }))
    expect(accepted.status).toBe(202)
    const answer = await client.stream!.message(({ id }) => id === other)
    expect(textOf(answer)).toBe(`${other} + 40 = ${40 + other}`)
  }
  await client.close()
})

it('passes what the server asks of an sse client, and its answer from a third instance', async () => {
  const base = cluster().instances[0]
  const client = await converse('sse', { base, backend: 'odd', capabilities: { sampling: {} } })
  await post(at(1, client.url), toolCall('s', 'sample'))
  const asked = await client.stream!.message(({ method }) => method === 'sampling/createMessage')
  const { id } = JSON.parse(asked) as { id: string }
  const sampled = { model: 'none', role: 'assistant', content: [] }
  expect((await post(at(2, client.url), response(id, sampled))).status).toBe(202)
  const answer = await client.stream!.message((message) => message.id === 's')
  expect(textOf(answer)).toBe(response(ownId(id), sampled))
  await client.close()
})

it('carries an http session over a command through all instances at once', async () => {
  const base = cluster().instances[0]
  const client = await converse('http', { base, backend: 'odd', capabilities: { sampling: {} } })
  const { headers } = client
  const stream = await openStream(at(2, client.url), { headers })
  expect(stream.status).toBe(200)

  const call = await openStream(at(1, client.url), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: both },
    body: toolCall('sampling', 'sample'),
  })
  const asked = await call.message(({ method }) => method === 'sampling/createMessage')
  const { id } = JSON.parse(asked) as { id: string }
  const sampled = { role: 'assistant' }
  expect((await post(at(2, client.url), response(id, sampled), headers)).status).toBe(202)
  const answer = await call.message((message) => message.id === 'sampling')
  expect(textOf(answer)).toBe(response(ownId(id), sampled))
  await until('the end of the answer', () => call.state() === 'ended')

  expect((await post(at(1, client.url), toolCall(2, 'announce'), headers)).status).toBe(200)
  await stream.message(({ params }) => params?.data === 'later')
  stream.close()
  await client.close()
})

const both = 'application/json, text/event-stream'

it('writes to the newest GET stream, and to the one before when that closes, whatever instances they came to', async () => {
  const client = await converse('http', { base: cluster().instances[0], backend: 'odd' })
  const { headers } = client
  const first = await openStream(at(1, client.url), { headers })
  const second = await openStream(at(2, client.url), { headers })
  let calls = 0
  const announce = (): Promise<unknown> => post(client.url, toolCall(++calls, 'announce'), headers)
  const isLater = (text: string): boolean => text.includes('"later"')
  await announce()
  await second.message(({ params }) => params?.data === 'later')
  expect([first.state(), first.messages().some(isLater)]).toEqual(['open', false])
  second.close()
  await until('news on the first stream', async () => {
    await announce()
    return first.messages().some(isLater)
  })
  first.close()
  await client.close()
})

it('cancels on the owner what is cancelled on another instance', async () => {
  const client = await converse('http', { base: cluster().instances[0], backend: 'odd' })
  const cancel = notification('notifications/cancelled', { requestId: 'gone', reason: 'proof' })
  expect((await post(at(1, client.url), cancel, client.headers)).status).toBe(202)
  expect(textOf(await client.ask(toolCall(1, 'cancelled')))).toBe('1')
  await client.close()
})

it('continues a session with a server that speaks http on every instance', async () => {
  const base = cluster().instances[0]
  const client = await converse('http', { base, backend: 'mcp-server-v6' })
  const written = toolCall(1, 'write_note', { name: 'crossing', text: 'kept' })
  expect((await post(at(1, client.url), written, client.headers)).status).toBe(200)
  const read = { jsonrpc: '2.0', id: 2, method: 'resources/read', params: { uri: noteUri } }
  const answer = await post(at(2, client.url), read, client.headers)
  expect(answer.messages().join()).toContain('"text":"kept"')
  await client.close()
})

const noteUri = 'note://crossing'

it.each(['plain', 'mcp-server-v6', 'odd', 'wrapped'])(
  'ends a session of %s everywhere',
  async (backend) => {
    const client = await converse('http', { base: cluster().instances[0], backend })
    const children =
      backend === 'odd' || backend === 'wrapped'
        ? treeOf([Number(textOf(await client.ask(toolCall(1, 'pid'))))])
        : []
    expect(children).toHaveLength({ odd: 1, wrapped: 2 }[backend] ?? 0)
    for (const other of [1, 2] as const)
      expect((await post(at(other, client.url), toolCall(2, 'x'), client.headers)).status).toBe(200)

    const ended = await ask(at(1, client.url), { method: 'DELETE', headers: client.headers })
    expect(ended.status).toBe(200)
    expect(await cluster().redis.exists(`mcp:sessions:${client.session}`)).toBe(0)
    for (const instance of [0, 1, 2] as const)
      await until(
        `instance ${instance} to forget the session`,
        async () => {
          const answer = await post(at(instance, client.url), toolCall(3, 'x'), client.headers)
          return answer.status === 404 && answer.json().error.code === -32001
        },
        soonMs,
      )
    await until('the end of what it ran', () => !children.some(isAlive))
  },
)

/** Less than a touch takes to find out: the instances tell each other. */
const soonMs = 2_000
