import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { useCluster } from '../harness/use-cluster.js'
import { answerRound, beginCall, roundOf, saidBy } from './rounds.js'
import { openTrace } from './trace.js'

// A client of 2026-07-28 and a server with sessions: what the server asks goes into the answer of the call, and the call waits at one
// instance for its next round, which lands anywhere.

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())
const cluster = useCluster(() => ({ servers: servers!.entries }))

describe.each(['http-stateful', 'sse', 'stdio-legacy'] as const)('%s', (kind) => {
  const at = (instance: 0 | 1 | 2): string => `${cluster().instances[instance]}/mcp/${kind}`

  it('is answered at another instance than the one that asked', async () => {
    const call = { name: 'test_input_required_result_elicitation' }
    const asked = await beginCall(at(0), call)
    expect(Object.values(asked.inputRequests)).toMatchObject([
      { method: 'elicitation/create', params: { message: 'What is your name?' } },
    ])
    expect(saidBy(await answerRound(at(1), call, asked))).toBe('Hello, Ada!')
  })

  it('asks in as many rounds as it wants, each at another instance', async () => {
    const call = { name: 'test_input_required_result_multi_round' }
    const first = await beginCall(at(0), call)
    const second = roundOf(await answerRound(at(1), call, first))
    expect(second.requestState).not.toBe(first.requestState)
    expect(saidBy(await answerRound(at(2), call, second))).toBe('Favorite color: blue')
  })

  it('asks for several things in one round', async () => {
    const call = { name: 'test_input_required_result_multiple_inputs' }
    const asked = await beginCall(at(0), call)
    expect(
      Object.values(asked.inputRequests)
        .map(({ method }) => method)
        .sort(),
    ).toEqual(['elicitation/create', 'roots/list', 'sampling/createMessage'])
    expect(saidBy(await answerRound(at(2), call, asked))).toBe('Ada has 1 roots')
  })

  it('keeps two calls apart that wait at once', async () => {
    using first = openTrace()
    using second = openTrace()
    const callOf = ({ path }: { path: string }) => ({
      name: 'test_traced_question',
      arguments: { trace: path },
    })
    const asked = await Promise.all([
      beginCall(at(0), callOf(first)),
      beginCall(at(0), callOf(second)),
    ])
    expect(saidBy(await answerRound(at(1), callOf(second), asked[1], 'Bob'))).toBe('Hello, Bob!')
    expect(saidBy(await answerRound(at(2), callOf(first), asked[0], 'Ada'))).toBe('Hello, Ada!')
    expect([first.lines().at(-1), second.lines().at(-1)]).toEqual(['answered Ada', 'answered Bob'])
  })
})
