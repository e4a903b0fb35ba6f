import { describe, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse, downstreams } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { ask, post } from '../harness/http.js'
import { initialize, request, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { http: { url: odd().url }, stdio: oddStdioEntry },
}))

const backends = ['http', 'stdio'] as const
const ways = backends.flatMap((backend) => downstreams.map((way) => [way, backend] as const))

const open = (way: Conversation['downstream'], backend: string): Promise<Conversation> =>
  converse(way, { base: cluster().gateway, backend, capabilities: { sampling: {} } })

describe.each(ways)('clients of %s over %s', (way, backend) => {
  it('use the same ids at once and get their own answers', async () => {
    const clients = await Promise.all(['a', 'b'].map(() => open(way, backend)))
    const ids = Array.from({ length: 40 }, (_, id) => id)
    const answers = await Promise.all(
      clients.flatMap((client, n) =>
        ids.map(async (id) => {
          const answer = await client.ask(toolCall(id, 'echo', { text: `${n} says ${id}` }))
          return [n, (JSON.parse(answer) as { id: number }).id, textOf(answer)]
        }),
      ),
    )
    expect(answers).toEqual(clients.flatMap((_, n) => ids.map((id) => [n, id, `${n} says ${id}`])))
    await Promise.all(clients.map((client) => client.close()))
  })

  it('get each id back with its value and its JSON type', async () => {
    const client = await open(way, backend)
    const ids = [0, -1, 1, 2 ** 53 - 1, -(2 ** 53 - 1)]
    const texts = ['1', '', 'ü\n"\\', '\u2028', 'x'.repeat(2_000)]
    for (const id of [...ids, ...texts]) {
      const answer = await client.ask(toolCall(id, 'echo', { text: 'x' }))
      expect((JSON.parse(answer) as { id: unknown }).id).toBe(id)
    }
    await client.close()
  })
})

describe.each(['http', 'sse'] as const)('%s sessions', (way) => {
  it.each(backends)(
    'with the same progress token hear of their own calls (%s)',
    async (backend) => {
      const clients = await Promise.all(['a', 'b'].map(() => open(way, backend)))
      for (const progressToken of ['token', 1]) {
        const heard = await Promise.all(
          clients.map(async (client, n) => {
            const name = { name: 'progress', arguments: { steps: n + 2 } }
            const params = { ...name, _meta: { progressToken } }
            return progressOf(client, request(`p${n}`, 'tools/call', params))
          }),
        )
        expect(heard.map((each) => each.map(({ progress }) => progress))).toEqual([
          [1, 2],
          [1, 2, 3],
        ])
        expect(heard.flat().every((each) => each.progressToken === progressToken)).toBe(true)
      }
      await Promise.all(clients.map((client) => client.close()))
    },
  )

  it.each(backends)('hear of the progress of each call on its own stream (%s)', async (backend) => {
    const client = await open('http', backend)
    const heard = await Promise.all(
      [2, 3, 4, 5].map((steps) => {
        const _meta = { progressToken: steps }
        const params = { name: 'progress', arguments: { steps, pauseMs: 20 }, _meta }
        return progressOf(client, request(steps, 'tools/call', params))
      }),
    )
    expect(heard.map((each) => each.length)).toEqual([2, 3, 4, 5])
    for (const [n, each] of heard.entries())
      expect(each.every(({ progressToken }) => progressToken === n + 2)).toBe(true)
    await client.close()
  })

  it('are refused at the address of another backend, and go on at their own', async () => {
    const client = await open(way, 'stdio')
    const other = client.url.replace('/mcp/stdio', '/mcp/http')
    const refused = await post(other, toolCall(1, 'echo', { text: 'x' }), client.headers)
    expect([refused.status, refused.json().error.code]).toEqual([404, -32001])
    if (way === 'http') {
      const follow = { headers: { ...client.headers, accept: 'text/event-stream' } }
      expect((await ask(other, follow)).status).toBe(404)
      expect((await ask(other, { method: 'DELETE', headers: client.headers })).status).toBe(404)
    }
    expect(textOf(await client.ask(toolCall(1, 'echo', { text: 'own' })))).toBe('own')
    await client.close()
  })

  it('are refused where the other transport speaks', async () => {
    const client = await open(way, 'stdio')
    const base = cluster().gateway
    const answer =
      way === 'http'
        ? await post(`${base}/mcp/stdio/message?sessionId=${client.session}`, toolCall(1, 'pid'))
        : await post(`${base}/mcp/stdio`, toolCall(1, 'pid'), { 'mcp-session-id': client.session })
    expect([answer.status, answer.json().error.code]).toEqual([404, -32001])
    await client.close()
  })
})

it('gives sessions ids that nobody guesses, and none to who guesses', async () => {
  const { gateway } = cluster()
  const opened = await post(`${gateway}/mcp/http`, initialize())
  const id = String(opened.headers['mcp-session-id'])
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  for (const guess of [id.toUpperCase(), `${id}0`, id.slice(1), '*', 'mcp:sessions:', `${id} `]) {
    const headers = { 'mcp-session-id': guess }
    const answer = await post(`${gateway}/mcp/http`, toolCall(1, 'pid'), headers)
    expect([guess, answer.status]).toEqual([guess, guess.trim() === id ? 200 : 404])
  }
})

interface Progress {
  readonly progress: number
  readonly progressToken: unknown
}

/** progressOf sends a request and reads what was said of its progress before it was answered. */
const progressOf = async (client: Conversation, sent: string): Promise<readonly Progress[]> => {
  const from = client.stream?.messages().length ?? 0
  const messages = client.stream
    ? await client.ask(sent).then(() => client.stream?.messages().slice(from) ?? [])
    : (await client.send(sent)).messages()
  return messages
    .map((text) => JSON.parse(text) as { method?: string; params: Progress })
    .filter(({ method }) => method === 'notifications/progress')
    .map(({ params }) => params)
}
