import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectThrough, sdkWays } from '../harness/sdk/connect.js'
import { toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { openEverything } from '../matrix/backends.js'

describe('the published server over HTTP+SSE, configured by nothing but its URL', () => {
  let server: Awaited<ReturnType<typeof openEverything>> | undefined
  beforeAll(async () => {
    server = await openEverything('sse', '/sse')
  })
  afterAll(() => server?.close())
  const cluster = useCluster(() => ({
    affinity: 'round_robin',
    servers: { old: { url: server?.url } },
  }))

  // Each instance finds out for itself: three in turn, and once more where it is known.
  it.each([...sdkWays, 'v2 modern'] as const)('serves %s at every instance', async (way) => {
    for (let n = 0; n < 6; n++) {
      const client = await connectThrough(way, cluster().gateway, 'old')
      const call = { name: 'echo', arguments: { message: `hello ${n}` } }
      expect(JSON.stringify(await client.callTool(call))).toContain(`hello ${n}`)
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
      await client.close()
    }
  })

  it('serves calls without a session', async () => {
    for (let n = 0; n < 6; n++) {
      const answer = await fetch(`${cluster().gateway}/mcp/router/route/old`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: toolCall(n, 'echo', { message: `hello ${n}` }),
      })
      expect(await answer.text()).toContain(`hello ${n}`)
    }
  })
})
