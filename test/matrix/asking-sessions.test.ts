import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { openStream } from '../harness/event-stream.js'
import type { EventStream } from '../harness/event-stream.js'
import { jsonHeaders, post } from '../harness/http.js'
import { modernCapabilities as capabilities } from '../harness/modern.js'
import { response, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { answerTo } from './rounds.js'
import { openTrace } from './trace.js'

// A client with a session and a server of 2026-07-28: what the server needs to know is asked on the stream of the client's call, and the
// answer comes to any instance.

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())
const cluster = useCluster(() => ({ servers: servers!.entries }))

/** Asked is a request of the server. */
interface Asked {
  readonly id: string | number
  readonly method: string
  readonly params: { readonly message?: string }
}

/** Calling is a call under way: where everything about it comes, and what came there before it. */
interface Calling {
  readonly stream: EventStream
  readonly from: number
}

describe.each([
  ['http', 'http-modern'],
  ['http', 'stdio-modern'],
  ['sse', 'http-modern'],
  ['sse', 'stdio-modern'],
] as const)('a client of %s at %s', (downstream, backend) => {
  let client: Conversation
  beforeAll(async () => {
    client = await converse(downstream, { base: cluster().instances[0], backend, capabilities })
  })
  afterAll(() => client.close())

  /** The same conversation at another instance. */
  const at = (instance: 0 | 1 | 2): string => {
    const { pathname, search } = new URL(client.url)
    return cluster().instances[instance] + pathname + search
  }

  const call = async (
    instance: 0 | 1 | 2,
    id: string,
    tool: string,
    args = {},
  ): Promise<Calling> => {
    const body = toolCall(id, tool, args)
    if (!client.stream) {
      const headers = { ...client.headers, ...jsonHeaders }
      return { stream: await openStream(at(instance), { method: 'POST', headers, body }), from: 0 }
    }
    const from = client.stream.messages().length
    expect((await post(at(instance), body, client.headers)).status).toBe(202)
    return { stream: client.stream, from }
  }

  const questions = ({ stream, from }: Calling, count: number): Promise<readonly Asked[]> =>
    until(`${count} questions`, () => {
      const messages = stream.messages().slice(from)
      const asked = messages
        .map((message) => JSON.parse(message) as Partial<Asked>)
        .filter((message): message is Asked => 'id' in message && 'method' in message)
      return asked.length >= count && asked
    })

  const answer = async (instance: 0 | 1 | 2, asked: Asked, name = 'Ada'): Promise<void> => {
    const body = response(asked.id, answerTo(asked.method, name))
    expect((await post(at(instance), body, client.headers)).status).toBe(202)
  }

  const said = async ({ stream, from }: Calling, id: string): Promise<string> =>
    textOf(await stream.message((message) => message.id === id, { from }))

  it('is asked, and answers at another instance', async () => {
    const calling = await call(1, 'name', 'test_input_required_result_elicitation')
    const [asked] = await questions(calling, 1)
    expect(asked).toMatchObject({
      method: 'elicitation/create',
      params: { message: 'What is your name?' },
    })
    await answer(2, asked!)
    expect(await said(calling, 'name')).toBe('Hello, Ada!')
  })

  it('is asked several things at once, and answers each at another instance', async () => {
    const calling = await call(2, 'several', 'test_input_required_result_multiple_inputs')
    const asked = await questions(calling, 3)
    expect(asked.map(({ method }) => method).sort()).toEqual([
      'elicitation/create',
      'roots/list',
      'sampling/createMessage',
    ])
    await Promise.all([answer(0, asked[0]!), answer(1, asked[1]!), answer(2, asked[2]!)])
    expect(await said(calling, 'several')).toBe('Ada has 1 roots')
  })

  it('is asked one thing after the other', async () => {
    const calling = await call(0, 'rounds', 'test_input_required_result_multi_round')
    await answer(1, (await questions(calling, 1))[0]!)
    await answer(2, (await questions(calling, 2))[1]!)
    expect(await said(calling, 'rounds')).toBe('Favorite color: blue')
  })

  it('answers two calls that ask at once, the second one first', async () => {
    using first = openTrace()
    using second = openTrace()
    const ask = async (id: string, { path }: { path: string }) => {
      const calling = await call(1, id, 'test_traced_question', { trace: path })
      const [asked] = await questions(calling, 1)
      return { calling, asked: asked! }
    }
    const one = await ask('one', first)
    const two = await ask('two', second)
    expect(one.asked.id).not.toBe(two.asked.id)
    await answer(2, two.asked, 'Bob')
    expect(await said(two.calling, 'two')).toBe('Hello, Bob!')
    await answer(0, one.asked, 'Ada')
    expect(await said(one.calling, 'one')).toBe('Hello, Ada!')
    expect([first.lines(), second.lines()]).toEqual([
      ['asked', 'answered Ada'],
      ['asked', 'answered Bob'],
    ])
  })
})
