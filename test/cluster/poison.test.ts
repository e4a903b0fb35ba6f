import { treeOf } from '@mcp-router/testkit/process'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { membersAreBack } from '../harness/owner.js'
import { request, toolCall } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'
import { openPoisonServer, pidBehind } from './poison-server.js'
import type { PoisonServer } from './poison-server.js'

const ledger = openLedger()
let poison: PoisonServer | undefined
let deaths: number[] = []
let watching: NodeJS.Timeout | undefined

const kill = (pid: number | undefined): void => {
  if (pid === undefined || deaths.includes(pid)) return
  deaths.push(pid)
  process.kill(pid, 'SIGKILL')
}

/** One that has died is in no file until it is started again. */
const pids = (): readonly number[] =>
  [...cluster().pids()]
    .filter(([name, pid]) => name.startsWith('router-') && !deaths.includes(pid))
    .map(([, pid]) => pid)

beforeAll(async () => {
  poison = await openPoisonServer((socket) => {
    const pid = pidBehind(socket, pids())
    // Its instance lives on, and the call with it: the test must not wait for nothing.
    if (pid === undefined) socket.destroy(new Error('no instance holds this connection'))
    kill(pid)
  })
})
afterAll(async () => {
  ledger.close()
  await poison?.close()
})
const cluster = useCluster(() => ({ servers: { ledger: ledger.entry, poison: poison!.entry } }))

/** Whichever instance has begun a held request of the ledger dies of it. */
const isPoison = (name: string): void => {
  ledger.hold(name)
  let seen = ledger.runs(name).length
  watching = setInterval(() => {
    const runs = ledger.runs(name)
    for (; seen < runs.length; seen++) {
      const child = runs[seen]?.pid
      kill(pids().find((pid) => treeOf([pid]).some((each) => each.pid === child)))
    }
  }, 10)
}

/** Another client, whose session every instance may hold, and who does nothing meanwhile. */
let bystanders: readonly Conversation[] = []

beforeEach(async () => {
  deaths = []
  const base = cluster().gateway
  bystanders = await Promise.all([
    converse('http', { base, backend: 'mcp-server-v6' }),
    converse('http', { base, backend: 'everything' }),
  ])
})

afterEach(async () => {
  clearInterval(watching)
  for (const name of ['read', 'tools-list']) ledger.release(name)
  for (const each of bystanders) expect(await each.ask(request('by', 'ping'))).toContain('"result"')
  for (const each of bystanders) await each.close()
  await cluster().restart()
  await membersAreBack(cluster())
})

const unknown = {
  code: -31001,
  message: expect.stringMatching(/the instance stopped before responding; it was retried once/),
  data: { repeated: true },
}

const errorOf = (text: string): unknown => (JSON.parse(text) as { error?: unknown }).error

describe('a read-only call that ends every instance it comes to ends two, and is told as unknown', () => {
  it('from an http session at an http server', async () => {
    const client = await converse('http', { base: cluster().gateway, backend: 'poison' })
    const answer = await client.ask(toolCall(7, 'poison'))
    expect([JSON.parse(answer), deaths]).toMatchObject([{ id: 7, error: unknown }, [{}, {}]])
  })

  it('from `route`', async () => {
    const url = `${cluster().gateway}/mcp/router/route/poison`
    // The tools are known from here on.
    await post(url, request(1, 'tools/list'))
    const answer = await post(url, toolCall(8, 'poison'))
    expect([answer.json(), deaths]).toMatchObject([{ id: 8, error: unknown }, [{}, {}]])
  })

  it.each([
    ['an http', 'poison', 'poison'],
    ['a stdio', 'ledger', 'read'],
  ])('from a client of 2026-07-28 at %s server', async (_, backend, name) => {
    const client = await connectThrough('v2 modern', cluster().gateway, backend)
    await client.listTools()
    if (backend === 'ledger') isPoison(name)
    const call = client.callTool({ name, arguments: {} })
    await expect(call).rejects.toThrow(/it was retried once/)
    expect(deaths).toHaveLength(2)
    await client.close()
  })

  // Round robin: with each ping before it, the call comes to another instance, one of them the owner.
  it.each([0, 1, 2])('from an http session at a stdio server (%i)', async (pings) => {
    const client = await converse('http', { base: cluster().gateway, backend: 'ledger' })
    await client.ask(request(1, 'tools/list'))
    for (let n = 0; n < pings; n++) await client.ask(request(2 + n, 'ping'))
    isPoison('read')
    const answer = await client.ask(toolCall(9, 'read'))
    expect(errorOf(answer)).toMatchObject(unknown)
    expect(deaths).toHaveLength(2)
  })

  it('from a session of 2024-11-05', async () => {
    const client = await connectThrough('v1 sse', cluster().gateway, 'ledger')
    await client.listTools()
    isPoison('read')
    const call = client.callTool({ name: 'read', arguments: {} })
    await expect(call).rejects.toThrow(/it was retried once/)
    expect(deaths).toHaveLength(2)
    await client.close()
  })

  it.each(['v1 http', 'v2 http'] as const)(
    'from a client (%s) that has heard of its progress at a stdio server',
    async (way) => {
      const client = await connectThrough(way, cluster().gateway, 'ledger')
      await client.listTools()
      isPoison('read')
      const onProgress = (): void => undefined
      const call = client.callTool({ name: 'read', arguments: {} }, { onProgress })
      await expect(call).rejects.toThrow(/it was retried once/)
      expect(deaths).toHaveLength(2)
      await client.close()
    },
  )

  it('from a client that lists the tools', async () => {
    const client = await converse('http', { base: cluster().gateway, backend: 'ledger' })
    isPoison('tools-list')
    const answer = await client.ask(request(9, 'tools/list'))
    expect(errorOf(answer)).toMatchObject(unknown)
    expect(deaths).toHaveLength(2)
  })
})
