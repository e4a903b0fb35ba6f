import { expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { ask, post } from '../harness/http.js'
import { isAlive, treeOf } from '../harness/processes.js'
import { expectRefusal } from '../harness/refusal.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { until } from '../harness/until.js'
import { useCluster } from '../harness/use-cluster.js'

const cluster = useCluster({ servers: { odd: oddStdioEntry }, env: { MCP_LEASE_MS: '3000' } })

it('an instance that is killed is missed by none but its own sessions, and they are told', async () => {
  const { gateway, instances, redis } = cluster()
  const portable = await converse('http', { base: instances[0], backend: 'mcp-server-v6' })
  const owned = await converse('http', { base: instances[0], backend: 'odd' })
  await owned.ask(toolCall(1, 'pid'))
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

  const elsewhere = `${instances[1]}/mcp/odd`
  expectRefusal(await post(elsewhere, toolCall(2, 'pid'), owned.headers), {
    status: 503,
    code: -31503,
    says: /instance that holds this session cannot be reached/,
    headers: { 'retry-after': /^\d+$/ },
    id: 2,
  })
  await until('its lease to lapse', async () => {
    const status = (await ask(`${instances[1]}/api/status`)).json()
    return status.instances.length === 2
  })
  expect(await redis.smembers('mcp:instances')).not.toContain('router-instance-1')
  await until('the session to be told as gone', async () => {
    const answer = await post(elsewhere, toolCall(3, 'pid'), owned.headers)
    return answer.status === 404 && answer.json().error.code === -32001
  })
})
