import { expect, it } from 'vitest'
import { connectThrough, sdkWays } from '../../harness/sdk/connect.js'
import type { SdkClient } from '../../harness/sdk/client.js'
import { useCluster } from '../../harness/use-cluster.js'

const cluster = useCluster({ affinity: 'round_robin' })

const clients = 50
/** Each is a process of its own. */
const withEverything = 8
const durationMs = 10_000

/** What client n calls, the nth time, and the text that it must get. */
const callOf = (backend: string, who: number, n: number) => {
  const text = `client ${who} call ${n}`
  if (backend === 'everything')
    return { name: 'echo', arguments: { message: text }, answer: `Echo: ${text}` }
  return n % 2 === 0
    ? { name: 'echo', arguments: { text }, answer: text }
    : { name: 'add', arguments: { a: who, b: n }, answer: `${who} + ${n} = ${who + n}` }
}

it('serves 50 clients of the SDKs at once, for ten seconds, without an error', async () => {
  const { gateway } = cluster()
  const open = await Promise.all(
    Array.from({ length: clients }, async (_, who) => {
      const backend = who < withEverything ? 'everything' : 'mcp-server-v6'
      const client = await connectThrough(sdkWays[who % sdkWays.length]!, gateway, backend)
      return { who, backend, client }
    }),
  )
  const end = Date.now() + durationMs
  const counts = await Promise.all(
    open.map(async ({ who, backend, client }) => {
      let n = 0
      while (Date.now() < end) await oneCall(client, callOf(backend, who, n++))
      return n
    }),
  )
  expect(Math.min(...counts)).toBeGreaterThan(10)
  expect(counts.reduce((sum, each) => sum + each)).toBeGreaterThan(1_000)

  const tools = await Promise.all(open.map(({ client }) => client.listTools()))
  expect(tools.every((each) => each.tools.length > 5)).toBe(true)
  await Promise.all(open.map(({ client }) => client.close()))
})

const oneCall = async (
  client: SdkClient,
  { answer, ...call }: ReturnType<typeof callOf>,
): Promise<void> => {
  const { content } = (await client.callTool(call)) as { content: { text: string }[] }
  expect(content[0]?.text).toBe(answer)
}

it('counted every call, on every instance, and no error', async () => {
  const metrics = await Promise.all(
    cluster().instances.map(async (instance) => (await fetch(`${instance}/metrics`)).text()),
  )
  for (const text of metrics) {
    expect(text).toMatch(/^mcp_router_calls_total\{.*method="tools\/call".*\} \d{2,}/m)
    expect(text).not.toMatch(/^mcp_router_errors_total\{.*\} [1-9]/m)
  }
})
