import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, expect, it } from 'vitest'
import type { Cluster } from '../harness/cluster.js'
import { connectV1 } from '../harness/sdk/v1.js'
import { until } from '../harness/until.js'
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

it('costs a client of 2024-11-05 one note for each call, taken out again, and nothing else', async () => {
  const calls = 50
  const url = new URL(`${cluster().gateway}/sse/ledger`)
  const client = await connectV1(new SSEClientTransport(url))
  await client.listTools()
  await cluster().redis.config('RESETSTAT')
  for (let n = 0; n < calls; n++) await client.callTool({ name: 'read', arguments: {} })
  const hdel = async (): Promise<number> => (await commandsOf(cluster()))['hdel'] ?? 0
  await until('the last note to be taken out', async () => (await hdel()) >= calls)
  const { hset = 0, hget = 0, ...others } = await commandsOf(cluster())
  expect(others).toEqual({ hdel: calls, zadd: 0, zrem: 0, hgetall: 0, set: 0, zrangebyscore: 0 })
  // Leases and touches write fields of a HASH, too.
  expect(hset - calls).toBeLessThan(calls)
  expect(hget).toBeLessThan(calls)
  await client.close()
})
