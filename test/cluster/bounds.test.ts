import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { ask, jsonHeaders } from '../harness/http.js'
import { memberAt } from '../harness/owner.js'
import { isAlive, treeOf } from '../harness/processes.js'
import { initialize } from '../harness/rpc.js'
import { until } from '../harness/until.js'
import { useCluster } from '../harness/use-cluster.js'
import { heapProbe, liveHeap } from './live-heap.js'

const odd = useFixture('odd-http')
const ttlMs = 3_000
const heaps = mkdtempSync(join(tmpdir(), 'mcp-heaps-'))
afterAll(() => rmSync(heaps, { recursive: true, force: true }))
const cluster = useCluster(() => ({
  servers: { plain: { url: odd().url }, odd: oddStdioEntry },
  env: {
    MCP_SESSION_TTL_MS: String(ttlMs),
    MCP_TOUCH_MS: '500',
    LOG_LEVEL: 'warn',
    ...heapProbe(heaps),
  },
}))

const members = () => [0, 1, 2].map((at) => memberAt(cluster(), at).pid)

/** keysOf is what is in Redis of sessions: their records, and all that hangs on them. */
const keysOfSessions = async (): Promise<readonly string[]> => {
  const keys: string[] = []
  for await (const some of cluster().redis.scanStream({ match: '*mcp:sessions:*', count: 1_000 }))
    keys.push(...(some as string[]))
  return keys
}

const held = async (): Promise<number> => {
  const all = await Promise.all(
    cluster().instances.map(async (instance) => {
      const { backends } = (await ask(`${instance}/api/status`)).json() as Status
      return backends.reduce((sum, { sessions }) => sum + sessions, 0)
    }),
  )
  return all.reduce((sum, each) => sum + each, 0)
}
interface Status {
  readonly backends: readonly { readonly sessions: number }[]
}

const atOnce = 16

/** openAndDrop opens so many sessions, a few at a time, and says goodbye to none. */
const openAndDrop = async (count: number): Promise<void> => {
  const body = initialize()
  const one = async (): Promise<void> => {
    const answer = await fetch(`${cluster().gateway}/mcp/plain`, {
      method: 'POST',
      headers: jsonHeaders,
      body,
    })
    await answer.arrayBuffer()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('mcp-session-id')).not.toBeNull()
  }
  let left = count
  const some = async (): Promise<void> => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: atOnce }, some))
}

const forgotten = async (): Promise<void> => {
  await until('the records to expire', async () => (await keysOfSessions()).length === 0, 20_000)
  await until('the instances to forget', async () => (await held()) === 0, 20_000)
}

it('ten thousand sessions that were dropped leave nothing: no key, no entry, no memory', async () => {
  // What any first busy time takes for good (compiled code, connections that are kept) is no matter of sessions.
  await openAndDrop(1_000)
  await forgotten()
  const heap = () => Promise.all(members().map((pid) => liveHeap(heaps, pid)))
  const before = await heap()
  await openAndDrop(10_000)
  await forgotten()
  const perSession = async (): Promise<readonly number[]> =>
    (await heap()).map((bytes, at) => (bytes - (before[at] ?? 0)) / (10_000 / members().length))
  // The tables that held them keep room for some; one live session takes many times as much.
  await until('the memory to be given back', async () => Math.max(...(await perSession())) < 1_000)
}, 150_000)

it('stdio sessions that nobody uses any more leave no child', async () => {
  const { instances } = cluster()
  const children = () => treeOf(members()).filter(({ command }) => command.includes('odd-stdio'))
  await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      converse('http', { base: instances[n % 3] ?? '', backend: 'odd' }),
    ),
  )
  const all = children()
  expect(all.length).toBeGreaterThanOrEqual(12)
  await until('the end of all of them', () => !all.some(isAlive), 20_000)
  await forgotten()
  expect(children()).toEqual([])
})
