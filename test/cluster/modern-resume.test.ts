import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../harness/http.js'
import { killMember, memberAt, membersAreBack } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { textOf } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedgerEndpoint } from './ledger-endpoint.js'
import type { LedgerEndpoint } from './ledger-endpoint.js'
import { openLedger } from './ledger-server.js'
import { openResumeProxy } from './resume-proxy.js'

const ledger = openLedger()
let endpoints: readonly LedgerEndpoint[] = []
beforeAll(async () => {
  const kinds = ['modern', 'events'] as const
  endpoints = await Promise.all(kinds.map((kind) => openLedgerEndpoint(ledger, kind)))
})
afterAll(async () => {
  for (const endpoint of endpoints) await endpoint.close()
  ledger.close()
})

const cluster = useCluster(() => ({
  servers: {
    'modern-http': { url: endpoints[0]!.url },
    'legacy-http': { url: endpoints[1]!.url },
    'modern-stdio': ledger.modernEntry,
    'legacy-stdio': ledger.entry,
  },
}))

afterEach(async () => {
  for (const name of ['read', 'put', 'append']) ledger.release(name)
  await cluster().restart()
  await membersAreBack(cluster())
})

/** busy are the instances that a call is at, whether they run it or passed it on. */
const busy = async (): Promise<readonly Member[]> => {
  const members = [0, 1, 2].map((at) => memberAt(cluster(), at))
  const calls = await Promise.all(
    members.map(async ({ url }) => Number((await ask(`${url}/api/status`)).json().instance.calls)),
  )
  return members.filter((_, at) => calls[at] !== 0)
}

// One rule decides on both tools that may run twice: each server shows it with one of them.
const servers = [
  ['modern-http', 'read'],
  ['legacy-http', 'put'],
  ['modern-stdio', 'put'],
  ['legacy-stdio', 'read'],
] as const

describe.each(servers)(
  'a call of the official client without sessions at %s',
  (server, repeatable) => {
    /** begin has a call run, held by its server, and its client hear of progress. */
    const begin = async (name: string) => {
      const proxy = await openResumeProxy(cluster().gateway)
      const client = await connectThrough('v2 modern', proxy.url, server)
      onTestFinished(() => client.close().catch(() => undefined))
      await client.listTools()
      const before = ledger.runs(name).length
      ledger.hold(name)
      let heard = 0
      const answer = client
        .callTool({ name, arguments: {} }, { onProgress: () => (heard += 1) })
        .then((result) => textOf(JSON.stringify({ result })))
      // Who waits for it looks at it later; until then a rejection is nobody's fault.
      answer.catch(() => undefined)
      await until('progress', () => heard > 0)
      return { proxy, answer, runs: () => ledger.runs(name).slice(before) }
    }

    /** killCarriers ends every instance that the stream goes through, in the middle of it. */
    const killCarriers = async (): Promise<void> => {
      const carriers = await busy()
      expect(carriers.length).toBeGreaterThan(0)
      await Promise.all(carriers.map(killMember))
    }

    it(`is repeated and answered when its instance is killed (${repeatable})`, async () => {
      const { answer, runs } = await begin(repeatable)
      await killCarriers()
      // The instance that passed it on may go on with it before it is killed itself.
      await until('another run', () => runs().length > 1)
      ledger.release(repeatable)
      expect(await answer).toBe(String(runs().at(-1)?.pid))
    })

    it('is told as unknown, where it may not be repeated, and ran once', async () => {
      const { answer, runs } = await begin('append')
      const killed = performance.now()
      await killCarriers()
      await expect(answer).rejects.toMatchObject({
        code: -31001,
        data: { tool: 'append', repeated: false },
      })
      expect(performance.now() - killed).toBeLessThan(5_000)
      expect(runs()).toHaveLength(1)
    })
  },
)
