import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, it } from 'vitest'
import { openAndDrop, sessionsForgotten } from '../../harness/dropped-sessions.js'
import { useFixture } from '../../harness/fixture.js'
import { heapProbe, liveHeap } from '../../harness/live-heap.js'
import { memberAt } from '../../harness/owner.js'
import { useCluster } from '../../harness/use-cluster.js'

const odd = useFixture('odd-http')
const heaps = mkdtempSync(join(tmpdir(), 'mcp-heaps-'))
afterAll(() => rmSync(heaps, { recursive: true, force: true }))
const cluster = useCluster(() => ({
  servers: { plain: { url: odd().url } },
  env: {
    MCP_SESSION_TTL_MS: '3000',
    MCP_TOUCH_MS: '500',
    LOG_LEVEL: 'warn',
    ...heapProbe(heaps),
  },
}))

it('ten thousand sessions that were dropped leave nothing: no key, no entry, no memory', async () => {
  const members = [0, 1, 2].map((at) => memberAt(cluster(), at).pid)
  // What any first busy time takes for good (compiled code, connections that are kept) is no matter of sessions.
  await openAndDrop(cluster(), 'plain', 1_000)
  await sessionsForgotten(cluster())
  const heap = () => Promise.all(members.map((pid) => liveHeap(heaps, pid)))
  const before = await heap()
  await openAndDrop(cluster(), 'plain', 10_000)
  await sessionsForgotten(cluster())
  const perSession = async (): Promise<readonly number[]> =>
    (await heap()).map((bytes, at) => (bytes - (before[at] ?? 0)) / (10_000 / members.length))
  // The tables that held them keep room for some; one live session takes many times as much.
  await until('the memory to be given back', async () => Math.max(...(await perSession())) < 1_000)
}, 150_000)
