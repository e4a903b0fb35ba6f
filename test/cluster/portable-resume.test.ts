import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openStream } from '../harness/event-stream.js'
import { jsonHeaders, post } from '../harness/http.js'
import { killMember, memberAt, membersAreBack } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { initialize, initialized, request, textOf } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedgerEndpoint } from './ledger-endpoint.js'
import type { LedgerEndpoint } from './ledger-endpoint.js'
import { openLedger } from './ledger-server.js'
import { openResumeProxy } from './resume-proxy.js'

const ledger = openLedger()
let endpoints: readonly LedgerEndpoint[] = []
beforeAll(async () => {
  endpoints = await Promise.all([1, 2].map(() => openLedgerEndpoint(ledger, 'events')))
})
afterAll(async () => {
  for (const endpoint of endpoints) await endpoint.close()
  ledger.close()
})
afterEach(() => {
  for (const name of ['read', 'put', 'append']) ledger.release(name)
})

// Round robin: most of what resumes lands on an instance that has nothing of the stream. These servers number no events.
const cluster = useCluster(() => ({
  servers: { pair: { endpoints: endpoints.map(({ url }) => ({ url })) } },
}))

/** An event that an instance numbered: who did, in base64url, when that began, the mark of the session, and the stream. */
const numbered = /^id: ([\w-]+)\.[0-9a-f]{8}\.[\w-]{12}~\d+\.\w+:\d+$/gm

// One rule decides on both tools that may run twice: each client shows it with one of them.
describe.each([
  ['v1 http', 'read'],
  ['v2 http', 'put'],
] as const)('a long call of the official client %s', (way, repeatable) => {
  /** begin has a call run, held by its server, and its client hear of progress. */
  const begin = async (name: string) => {
    const proxy = await openResumeProxy(cluster().gateway)
    const client = await connectThrough(way, proxy.url, 'pair')
    onTestFinished(() => client.close().catch(() => undefined))
    const before = ledger.runs(name).length
    ledger.hold(name)
    const heard: number[] = []
    const answer = client
      .callTool(
        { name, arguments: {} },
        { onProgress: ({ progress }) => void heard.push(progress) },
      )
      .then((result) => textOf(JSON.stringify({ result })))
    // Who waits for it looks at it later; until then a rejection is nobody's fault.
    answer.catch(() => undefined)
    /** Resolves once the client has heard something more. */
    const moreProgress = async (): Promise<void> => {
      const from = heard.length
      await until('progress', () => heard.length > from)
    }
    await moreProgress()
    const runs = () => ledger.runs(name).slice(before)
    /** The instance that numbers the stream now. */
    const runner = (): Member => {
      const [, name64 = ''] = [...proxy.told().matchAll(numbered)].at(-1) ?? []
      const id = Buffer.from(name64, 'base64url').toString()
      return [0, 1, 2].map((at) => memberAt(cluster(), at)).find((member) => member.id === id)!
    }
    return { proxy, answer, heard, moreProgress, runs, runner }
  }

  it('is answered though its client was cut off, wherever that resumes, and ran once', async () => {
    const { proxy, answer, heard, moreProgress, runs } = await begin('append')
    for (const cuts of [1, 2, 3]) {
      proxy.cut()
      await until('the client to come back', () => resumesIn(proxy.asked()) === cuts)
      await moreProgress()
    }
    ledger.release('append')
    const [run, ...more] = runs()
    expect(await answer).toBe(String(run?.pid))
    expect(more).toEqual([])
    expect(heard).toEqual(heard.map((_, at) => at + 1))
  })

  describe('whose instance is killed', () => {
    afterEach(async () => {
      await cluster().restart()
      await membersAreBack(cluster())
    })

    it(`is repeated and answered, where it may be (${repeatable})`, async () => {
      const { answer, runs, runner } = await begin(repeatable)
      await killMember(runner())
      await until('the second run', () => runs().length === 2)
      ledger.release(repeatable)
      expect(await answer).toBe(String(runs()[1]?.pid))
      expect(runs()).toHaveLength(2)
    })

    it('is told as unknown, where it may not be repeated, and ran once', async () => {
      const { answer, runs, runner } = await begin('append')
      const killed = performance.now()
      await killMember(runner())
      await expect(answer).rejects.toMatchObject({
        code: -31001,
        data: { tool: 'append', repeated: false },
      })
      expect(performance.now() - killed).toBeLessThan(5_000)
      expect(runs()).toHaveLength(1)
    })
  })

  describe('whose server is killed', () => {
    const kill = async (pid: number | undefined): Promise<void> => {
      const victim = endpoints.find((endpoint) => endpoint.pid() === pid)
      onTestFinished(() => victim!.start())
      await victim!.kill()
    }

    it.each(['read', 'put'])('is answered by another one, where it may be (%s)', async (name) => {
      const { proxy, answer, runs, moreProgress } = await begin(name)
      await kill(runs()[0]?.pid)
      await until('the second run', () => runs().length === 2)
      await moreProgress()
      ledger.release(name)
      expect(await answer).toBe(String(runs()[1]?.pid))
      expect(runs()[1]?.pid).not.toBe(runs()[0]?.pid)
      // All on the stream that it began with.
      expect(resumesIn(proxy.asked())).toBe(0)
    })

    it('is told as unknown, where it may not be repeated, and ran once', async () => {
      const { answer, runs } = await begin('append')
      await kill(runs()[0]?.pid)
      await expect(answer).rejects.toMatchObject({
        code: -31001,
        data: { tool: 'append', repeated: false },
      })
      expect(runs()).toHaveLength(1)
    })
  })
})

/** resumesIn counts the requests for the rest of a call's stream. */
const resumesIn = (asked: string): number => asked.match(/^last-event-id: \S+~/gim)?.length ?? 0

it('has no event without data for a client of 2025-06-18, which would fail on it', async () => {
  const url = `${cluster().gateway}/mcp/pair`
  const opened = await post(url, initialize())
  const headers = { ...jsonHeaders, 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  await post(url, initialized, headers)
  ledger.hold('append')
  const params = { name: 'append', arguments: {}, _meta: { progressToken: 't' } }
  const body = request(1, 'tools/call', params)
  const stream = await openStream(url, { method: 'POST', headers, body })
  await until('some progress', () => stream.events.length > 1)
  ledger.release('append')
  const last = await stream.message(({ id }) => id === 1)
  expect(textOf(last)).toMatch(/^\d+$/)
  for (const { id, data } of stream.events)
    expect([id, data]).toEqual([undefined, expect.stringMatching(/\S/)])
})
