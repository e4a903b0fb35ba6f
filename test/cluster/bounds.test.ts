import { isAlive, treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { openAndDrop, sessionsForgotten } from '../harness/dropped-sessions.js'
import { useFixture } from '../harness/fixture.js'
import { memberAt } from '../harness/owner.js'
import { useCluster } from '../harness/use-cluster.js'

const odd = useFixture('odd-http')
const cluster = useCluster(() => ({
  servers: { plain: { url: odd().url }, odd: oddStdioEntry },
  env: { MCP_SESSION_TTL_MS: '3000', MCP_TOUCH_MS: '500' },
}))

// At once, because both wait for lives to pass.
it.concurrent('sessions that were dropped leave nothing: no key, no entry', async () => {
  await openAndDrop(cluster(), 'plain', 300)
  await sessionsForgotten(cluster())
})

it.concurrent('stdio sessions that nobody uses any more leave no child', async () => {
  const { instances } = cluster()
  const members = [0, 1, 2].map((at) => memberAt(cluster(), at).pid)
  const children = () => treeOf(members).filter(({ command }) => command.includes('odd-stdio'))
  await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      converse('http', { base: instances[n % 3] ?? '', backend: 'odd' }),
    ),
  )
  const all = children()
  expect(all.length).toBeGreaterThanOrEqual(12)
  await until('the end of all of them', () => !all.some(isAlive), 20_000)
  await sessionsForgotten(cluster())
  expect(children()).toEqual([])
})
