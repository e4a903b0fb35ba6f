import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { useCluster } from '../harness/use-cluster.js'
import { answerRound, beginCall, saidBy } from './rounds.js'
import type { Round } from './rounds.js'
import { openTrace } from './trace.js'
import type { Trace } from './trace.js'

// The state of a round travels through the client: what it could do with one must not reach the server.

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())
const cluster = useCluster(() => ({ servers: servers!.entries }))

const kinds = ['http-stateful', 'sse', 'stdio-legacy'] as const

const questionOf = ({ path }: Trace) => ({
  name: 'test_traced_question',
  arguments: { trace: path },
})

describe.each(kinds)('of a call to %s', (kind) => {
  const at = (instance: 0 | 1 | 2, backend: string = kind): string =>
    `${cluster().instances[instance]}/mcp/${backend}`

  it('is refused when it was altered, wherever that is', async () => {
    using trace = openTrace()
    const call = questionOf(trace)
    const asked = await beginCall(at(0), call)
    const { length } = asked.requestState
    for (const place of [0, 1, length >> 1, length - 2]) {
      const refused = await answerRound(at(1), call, altered(asked, place))
      expect(refused.error, `altered at ${place} of ${length}`).toMatchObject({ code: -32602 })
    }
    expect(trace.lines()).toEqual(['asked'])
    expect(saidBy(await answerRound(at(1), call, asked))).toBe('Hello, Ada!')
  })

  it('is refused when it was used before', async () => {
    using trace = openTrace()
    const call = questionOf(trace)
    const asked = await beginCall(at(0), call)
    expect(saidBy(await answerRound(at(1), call, asked))).toBe('Hello, Ada!')
    for (const instance of [0, 1, 2] as const)
      expect((await answerRound(at(instance), call, asked)).error).toMatchObject({ code: -32602 })
    expect(trace.lines()).toEqual(['asked', 'answered Ada'])
  })

  it('is taken once, when two send it at the same time', async () => {
    using trace = openTrace()
    const call = questionOf(trace)
    const asked = await beginCall(at(0), call)
    const both = await Promise.all([
      answerRound(at(1), call, asked, 'Ada'),
      answerRound(at(2), call, asked, 'Ada'),
    ])
    expect(both.map(({ error }) => error?.code).sort()).toEqual([-32602, undefined])
    expect(trace.lines()).toEqual(['asked', 'answered Ada'])
  })

  it('is refused for another call, another tool and another server', async () => {
    using trace = openTrace()
    using other = openTrace()
    const call = questionOf(trace)
    const asked = await beginCall(at(0), call)
    const elsewhere = kind === 'sse' ? 'http-stateful' : 'sse'
    const refused = [
      await answerRound(at(1), questionOf(other), asked),
      await answerRound(at(1), { name: 'test_input_required_result_elicitation' }, asked),
      await answerRound(at(1, elsewhere), call, asked),
      await answerRound(at(1, 'http-modern'), call, asked),
    ]
    expect(refused.map(({ error }) => error?.code)).toEqual([-32602, -32602, -32602, -32602])
    expect([trace.lines(), other.lines()]).toEqual([['asked'], []])
    expect(saidBy(await answerRound(at(1), call, asked))).toBe('Hello, Ada!')
  })
})

/** altered changes one letter of the state. */
const altered = (round: Round, place: number): Round => {
  const letter = round.requestState[place] === 'A' ? 'B' : 'A'
  const { requestState } = round
  return {
    ...round,
    requestState: requestState.slice(0, place) + letter + requestState.slice(place + 1),
  }
}
