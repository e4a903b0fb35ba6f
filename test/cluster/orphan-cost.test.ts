import { until } from '@mcp-router/testkit/wait'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, expect, it } from 'vitest'
import type { Cluster } from '../harness/cluster.js'
import { connectV1 } from '../harness/sdk/v1.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
afterAll(() => ledger.close())
const cluster = useCluster({ servers: { ledger: ledger.entry } })

/** Those that a call of such a client may send; the rest of what Redis is asked comes with time, not with calls. */
const counted = ['hset', 'hdel', 'zadd', 'zrem', 'hget', 'hgetall', 'set', 'zrangebyscore']

const commandsOf = async ({ redis }: Cluster): Promise<Readonly<Record<string, number>>> => {
  const stats = await redis.info('commandstats')
  const calls = (name: string): number =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  return Object.fromEntries(counted.map((name) => [name, calls(name)]))
}

it('costs a client of 2024-11-05 one note for each call, one of its answer, and nothing else', async () => {
  const calls = 50
  const url = new URL(`${cluster().gateway}/sse/ledger`)
  const client = await connectV1(new SSEClientTransport(url))
  await client.listTools()
  await cluster().redis.config('RESETSTAT')
  for (let n = 0; n < calls; n++) await client.callTool({ name: 'read', arguments: {} })
  const notes = 2 * calls
  const hset = async (): Promise<number> => (await commandsOf(cluster()))['hset'] ?? 0
  await until('the last answer to be noted', async () => (await hset()) >= notes)
  const { hset: sets = 0, hget = 0, hdel = 0, ...others } = await commandsOf(cluster())
  expect(others).toEqual({ zadd: 0, zrem: 0, hgetall: 0, set: 0, zrangebyscore: 0 })
  // Leases and touches write fields of a HASH, too.
  expect(sets - notes).toBeLessThan(calls)
  // Answers are taken out together, a while later.
  expect(hdel).toBeLessThan(5)
  // Each note reads the epoch of its session, in the same round trip.
  expect(hget - notes).toBeLessThan(calls)
  await client.close()
})
