import { isAlive, treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { ask, post } from '../harness/http.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const cluster = useCluster({ servers: { odd: oddStdioEntry }, env: { MCP_LEASE_MS: '3000' } })

it('an instance that is killed is missed by none, not even by the sessions that it owned', async () => {
  const { gateway, instances, redis } = cluster()
  const portable = await converse('http', { base: instances[0], backend: 'mcp-server-v6' })
  const owned = await converse('http', { base: instances[0], backend: 'odd' })
  const pidOfChild = Number(textOf(await owned.ask(toolCall(1, 'pid'))))
  const pid =
    cluster()
      .pids()
      .get(`router-${new URL(instances[0]).port}`) ?? 0
  const tree = treeOf([pid])
  expect(tree.length).toBeGreaterThan(1)
  process.kill(pid, 'SIGKILL')
  await until('the end of it and its children', () => !tree.some(isAlive))

  for (let n = 0; n < 12; n++) {
    const text = `call ${n}`
    const url = `${gateway}/mcp/mcp-server-v6`
    const kept = await post(url, toolCall(n, 'echo', { text }), portable.headers)
    expect(textOf(kept.messages()[0] ?? kept.text)).toBe(text)
    const call = await post(`${gateway}/mcp/router/route/odd`, toolCall(n, 'echo', { text }))
    expect(textOf(call.text)).toBe(text)
  }

  const taken = await post(`${instances[1]}/mcp/odd`, toolCall(2, 'pid'), owned.headers)
  expect(Number(textOf(taken.messages()[0] ?? ''))).not.toBe(pidOfChild)
  for (const instance of instances.slice(1)) {
    const same = await post(`${instance}/mcp/odd`, toolCall(2, 'pid'), owned.headers)
    expect(textOf(same.messages()[0] ?? '')).toBe(textOf(taken.messages()[0] ?? ''))
  }
  await until('its lease to lapse', async () => {
    const status = (await ask(`${instances[1]}/api/status`)).json()
    return status.instances.length === 2
  })
  expect(await redis.smembers('mcp:instances')).not.toContain('router-instance-1')
})
