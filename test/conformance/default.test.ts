import { until } from '@mcp-router/testkit/wait'
import { SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Transport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster } from '../harness/cluster.js'
import type { Cluster } from '../harness/cluster.js'
import { connect } from './connect.js'
import type { Connected } from './connect.js'
import { openConformanceFixture } from './fixture.js'
import type { ConformanceFixture } from './fixture.js'

const watched = 'test://watched-resource'

// What the official SDK serves by default keeps no sessions for clients that need one, and can do everything for those that need none.
describe('a server as the SDK serves it by default, through the cluster', () => {
  let fixture: ConformanceFixture | undefined
  let cluster: Cluster | undefined
  beforeAll(async () => {
    fixture = await openConformanceFixture('http-default')
    cluster = await openCluster({ servers: { default: { url: fixture.url } } })
  })
  afterAll(async () => {
    await cluster?.close()
    await fixture?.close()
  })

  const transports: readonly (readonly [string, () => Transport])[] = [
    ['/mcp', () => new StreamableHTTPClientTransport(new URL(`${cluster!.gateway}/mcp/default`))],
    ['/sse', () => new SSEClientTransport(new URL(`${cluster!.gateway}/sse/default`))],
  ]

  describe.each(transports)('for a client with a session at %s', (_, open) => {
    let connected: Connected | undefined
    beforeAll(async () => {
      connected = await connect(open(), 'legacy')
    })
    afterAll(() => connected?.close())

    it('asks', async () => {
      const name = 'test_input_required_result_multi_round'
      expect(await connected!.client.callTool({ name, arguments: {} })).toMatchObject({
        content: [{ type: 'text', text: 'Favorite color: blue' }],
      })
    })

    it('tells of changed lists, and of what the client subscribed to', async () => {
      const { client, heard } = connected!
      await client.subscribeResource({ uri: watched })
      await client.callTool({ name: 'test_trigger_resource_change', arguments: {} })
      for (const method of [
        'notifications/resources/list_changed',
        'notifications/resources/updated',
      ])
        await until(method, () => heard.some((told) => told.method === method))
    })

    it('ends a call that is cancelled', async () => {
      const { client } = connected!
      const cancelling = new AbortController()
      const onprogress = (): void => cancelling.abort()
      const call = { name: 'test_tool_with_progress', arguments: {} }
      await expect(
        client.callTool(call, { onprogress, signal: cancelling.signal }),
      ).rejects.toThrow()
      expect((await client.listTools()).tools.length).toBeGreaterThan(0)
    })
  })
})
