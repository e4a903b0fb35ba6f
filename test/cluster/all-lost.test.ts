import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import { killMember, memberAt, membersAreBack } from '../harness/owner.js'
import { toolCall } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openSpeakingServer } from './speaking-server.js'
import type { SpeakingServer } from './speaking-server.js'

let server: SpeakingServer
beforeAll(async () => {
  server = await openSpeakingServer()
})
afterAll(() => server.close())
const cluster = useCluster(() => ({ servers: { speaking: server.entry } }))
afterEach(() => cluster().restart())

/** How often Nginx was asked for a stream of this kind. */
const asked = (prefix: string): number =>
  readFileSync(join(cluster().runDir, 'logs', 'nginx-access.log'), 'utf8').split(
    `"GET ${prefix}/speaking"`,
  ).length - 1

describe.each([
  ['v1 sse', '/sse'],
  ['v1 http', '/mcp'],
  ['v2 http', '/mcp'],
] as const)('a client (%s) whose instances are all killed', (way, prefix) => {
  it('goes on by itself once they are back, however often it asked for its stream meanwhile', async () => {
    const client = await connectThrough(way, cluster().gateway, 'speaking')
    const call = { name: 'pid', arguments: {} }
    await client.callTool(call)
    const hears = async (text: string): Promise<void> => {
      await until(`${text} to be heard`, () => {
        server.say(text)
        return JSON.stringify(client.heard.notifications).includes(text)
      })
    }
    await hears('before')
    const before = asked(prefix)
    await Promise.all([0, 1, 2].map((at) => killMember(memberAt(cluster(), at))))
    // Official clients of Streamable HTTP give up after two errors, EventSource after one.
    await until('it to ask in vain', () => asked(prefix) > before + 3)
    await cluster().restart()
    await membersAreBack(cluster())
    await hears('after')
    await client.callTool(call)
    await client.close()
  })
})

it.each(['v1 http', 'v2 http', 'v2 modern'] as const)(
  'a client (%s) gets the answer to a call under which all instances were away for longer than it tries',
  async (way) => {
    server.cool()
    const client = await connectThrough(way, cluster().gateway, 'speaking')
    await client.listTools()
    let isBegun = false
    const called = client.callTool(
      { name: 'slow', arguments: {} },
      { onProgress: () => (isBegun = true) },
    )
    await until('its progress', () => isBegun)
    const before = asked('/mcp')
    await Promise.all([0, 1, 2].map((at) => killMember(memberAt(cluster(), at))))
    await until('it to ask in vain', () => asked('/mcp') > before + 4, 20_000)
    await cluster().restart()
    await membersAreBack(cluster())
    expect(JSON.stringify(await called)).toContain(String(process.pid))
    await client.close()
  },
)

it('a POST of a session of 2024-11-05 whose client has no stream is refused', async () => {
  const client = await converse('sse', { base: cluster().gateway, backend: 'speaking' })
  await client.close()
  await until(
    'the POST to be refused',
    async () => {
      const { status, text } = await client.send(toolCall(1, 'pid'))
      expect(text).toContain('the stream of this session is closed')
      return status === 400
    },
    20_000,
  )
})
