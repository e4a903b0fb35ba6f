import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { useCluster } from '../harness/use-cluster.js'
import { answerRound, beginCall } from './rounds.js'
import { openTrace } from './trace.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())
// Over before any client could come back.
const cluster = useCluster(() => ({
  servers: servers!.entries,
  env: { MCP_INPUT_TTL_MS: '1' },
}))

it.each(['http-stateful', 'sse', 'stdio-legacy'] as const)(
  'the state of a call to %s is refused when it has expired',
  async (kind) => {
    using trace = openTrace()
    const call = { name: 'test_traced_question', arguments: { trace: trace.path } }
    for (const instance of cluster().instances) {
      const url = `${instance}/mcp/${kind}`
      const refused = await answerRound(url, call, await beginCall(url, call))
      expect(refused.error).toMatchObject({ code: -32602 })
    }
    expect(trace.lines()).toEqual(['asked', 'asked', 'asked'])
  },
)
