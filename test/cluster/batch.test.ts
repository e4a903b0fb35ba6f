import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { openStream } from '../harness/event-stream.js'
import { useFixture } from '../harness/fixture.js'
import { jsonHeaders, post } from '../harness/http.js'
import type { Answer } from '../harness/http.js'
import { notification, request, response, textOf, toolCall, ownId } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const plain = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { command: oddStdioEntry, plain: { url: plain().url } },
}))

const handshake = (protocolVersion: string): string =>
  request(0, 'initialize', {
    protocolVersion,
    capabilities: { sampling: {} },
    clientInfo: { name: 'batches', version: '1' },
  })

/** open opens a session of 2025-03-26 at the first instance. */
const open = async (backend: string) => {
  const path = `/mcp/${backend}`
  const opened = await post(cluster().instances[0] + path, handshake('2025-03-26'))
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  return { path, headers }
}

const batchOf = (...messages: string[]): string => `[${messages.join(',')}]`

/** textsIn are the texts of the tools' results in an array, by id. */
const textsIn = (answer: Answer): Record<string, string> => {
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
  const all = answer.json() as { id: string | number }[]
  return Object.fromEntries(all.map((each) => [each.id, textOf(JSON.stringify(each))]))
}

describe.each(['command', 'plain', 'mcp-server-v6'])('a batch to %s', (backend) => {
  it('is answered with one array, on whichever instance it lands', async () => {
    const { path, headers } = await open(backend)
    const tool = backend === 'mcp-server-v6' ? 'add' : 'echo'
    const call = (id: number | string) => toolCall(id, tool, { text: `t${id}`, a: 1, b: 2 })
    const said = (id: number | string) => (tool === 'add' ? '1 + 2 = 3' : `t${id}`)
    const batch = batchOf(
      notification('notifications/initialized'),
      call(1),
      notification('notifications/cancelled', { requestId: 'nobody' }),
      call('x'),
    )
    const bases = [...cluster().instances, ...Array<string>(6).fill(cluster().gateway)]
    for (const base of bases) {
      const told = textsIn(await post(base + path, batch, headers))
      expect(told).toEqual({ 1: said(1), x: said('x') })
    }
  })

  it('that has nothing to answer is accepted', async () => {
    const { path, headers } = await open(backend)
    const batch = batchOf(notification('notifications/initialized'), response('nobody', {}))
    for (const base of cluster().instances) {
      expect(await post(base + path, batch, headers)).toMatchObject({ status: 202, text: '' })
    }
  })

  it('is refused where the session agreed on a revision without them', async () => {
    const path = `/mcp/${backend}`
    const opened = await post(cluster().gateway + path, handshake('2025-06-18'))
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    for (const base of cluster().instances) {
      const told = await post(base + path, batchOf(toolCall(1, 'echo')), headers)
      expect([told.status, told.json()]).toMatchObject([400, { error: { code: -32600 } }])
      expect(told.text).toContain('batches were removed in revision 2025-06-18')
    }
  })
})

it('streams a batch that lands elsewhere, what the server asks meanwhile included', async () => {
  const { path, headers } = await open('command')
  const steps = { _meta: { progressToken: 'p' }, name: 'progress', arguments: { steps: 2 } }
  const stream = await openStream(cluster().instances[1] + path, {
    method: 'POST',
    headers: { ...headers, ...jsonHeaders },
    body: batchOf(toolCall('s', 'sample'), request('p', 'tools/call', steps)),
  })
  expect(stream.headers['content-type']).toBe('text/event-stream')
  const asked = await stream.message(({ method }) => method === 'sampling/createMessage')
  await stream.message(({ id }) => id === 'p')
  expect(stream.messages().filter((each) => each.includes('notifications/progress'))).toHaveLength(
    2,
  )

  const { id } = JSON.parse(asked) as { id: string }
  const sampled = { role: 'assistant' }
  const answer = batchOf(response(id, sampled))
  const accepted = await post(cluster().instances[2] + path, answer, headers)
  expect(accepted.status).toBe(202)
  const result = await stream.message((message) => message.id === 's')
  expect(textOf(result)).toBe(response(ownId(id), sampled))
  await until('the end of the stream', () => stream.state() === 'ended')
})

it('takes batches of an sse client on every instance, and answers on its stream', async () => {
  const stream = await openStream(`${cluster().instances[0]}/sse/command`)
  const endpoint = await until('the endpoint', () => stream.events[0]?.data)
  const address = new URL(endpoint, cluster().gateway)
  const send = (instance: 0 | 1 | 2, body: string): Promise<Answer> =>
    post(cluster().instances[instance] + address.pathname + address.search, body)
  await send(0, handshake('2024-11-05'))
  await stream.message(({ id }) => id === 0)
  for (const instance of [0, 1, 2] as const) {
    const ids = [`a${instance}`, `b${instance}`]
    const calls = ids.map((id) => toolCall(id, 'echo', { text: id }))
    const batch = batchOf(notification('notifications/initialized'), ...calls)
    expect((await send(instance, batch)).status).toBe(202)
    for (const id of ids)
      expect(textOf(await stream.message((message) => message.id === id))).toBe(id)
  }
  stream.close()
})
