import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { membersAreBack, ownerOf } from '../harness/owner.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedgerEndpoint } from './ledger-endpoint.js'
import type { LedgerEndpoint } from './ledger-endpoint.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
let endpoint: LedgerEndpoint
beforeAll(async () => {
  endpoint = await openLedgerEndpoint(ledger, 'events')
})
afterAll(async () => {
  await endpoint.close()
  ledger.close()
})

const cluster = useCluster(() => ({
  servers: { stdio: ledger.entry, http: { url: endpoint.url } },
  env: { MCP_DRAIN_MS: '30000' },
}))

afterEach(async () => {
  ledger.release('append')
  await cluster().restart()
  await membersAreBack(cluster())
})

const sessionsOf = async (): Promise<readonly string[]> => {
  const { redis } = cluster()
  const found = new Set<string>()
  for await (const keys of redis.scanStream({ match: 'mcp:sessions:*' }))
    for (const key of keys as string[]) found.add(key.replace('mcp:sessions:', ''))
  return [...found]
}

/** connect is the stock client, and the session that it has, which it does not name. */
const connect = async (backend: string) => {
  const before = await sessionsOf()
  const client = new Client({ name: 'slow', version: '1' })
  const faults: string[] = []
  client.onerror = ({ message }) => void faults.push(message)
  await client.connect(new SSEClientTransport(new URL(`${cluster().gateway}/sse/${backend}`)))
  const session = (await sessionsOf()).find((id) => !before.includes(id)) ?? ''
  return { client, session, faults }
}

describe.each(['stdio', 'http'])(
  'the owner of a session of 2024-11-05 (%s) that is told to end',
  (backend) => {
    it('answers the call that runs, once, and the session goes on at another instance', async () => {
      const { client, session, faults } = await connect(backend)
      const owner = await ownerOf(cluster(), session)
      const leaving = processAt(owner.pid)
      const before = ledger.runs('append').length
      ledger.hold('append')
      const answer = client.callTool({ name: 'append', arguments: {} })
      answer.catch(() => undefined)
      await until('the call to run', () => ledger.runs('append').length > before)
      process.kill(owner.pid, 'SIGTERM')
      await until('it to drain', async () => {
        const ready = await fetch(`${owner.url}/ready`).catch(() => undefined)
        return ready?.status !== 200
      })
      // A call that takes 2 s.
      const told = performance.now()
      await until('2 s', () => performance.now() - told > 2_000)
      expect(leaving && isAlive(leaving)).toBe(true)
      ledger.release('append')
      const { content } = await answer
      expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/^\d+$/) }])
      await until('its end', () => leaving && !isAlive(leaving), 30_000)
      const read = await client.callTool({ name: 'read', arguments: {} })
      expect(read.content).toEqual([{ type: 'text', text: expect.stringMatching(/^\d+$/) }])
      expect((await ownerOf(cluster(), session)).at).not.toBe(owner.at)
      expect(ledger.runs('append').length - before).toBe(1)
      // A second answer would be to a request that it does not know.
      expect(faults.filter((fault) => /unknown message id/i.test(fault))).toEqual([])
      await client.close()
    })
  },
)
