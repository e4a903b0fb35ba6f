import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { epochOf, memberAt } from '../harness/owner.js'
import { expectRefusal } from '../harness/refusal.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
afterAll(() => ledger.close())
const cluster = useCluster({ servers: { ledger: ledger.entry }, env: { MCP_LEASE_MS: '1500' } })

const from = (at: 0 | 1 | 2, client: Conversation, body: string) =>
  post(`${cluster().instances[at]}/mcp/ledger`, body, client.headers)

const pidFrom = async (at: 0 | 1 | 2, client: Conversation): Promise<number> => {
  const answer = await from(at, client, toolCall(at, 'read'))
  return Number(textOf(answer.messages()[0] ?? ''))
}

it('an owner that is stopped loses its sessions, and after it goes on has no say in them', async () => {
  const client = await converse('http', { base: cluster().instances[0], backend: 'ledger' })
  const first = processAt(await pidFrom(0, client))
  const owner = memberAt(cluster(), 0)
  ledger.hold('append')
  const early = from(1, client, toolCall('early', 'append'))
  await until('the call to run', () => ledger.runs('append').length === 1)

  process.kill(owner.pid, 'SIGSTOP')
  // These two wait at its door.
  const late = from(0, client, toolCall('late', 'append'))
  const read = from(2, client, toolCall('read', 'read'))
  try {
    expectRefusal(await early, {
      status: 200,
      code: -31001,
      says: /the instance stopped before responding/,
      id: 'early',
    })
    expect(textOf((await read).messages()[0] ?? '')).not.toBe(String(first?.pid))
    const second = await pidFrom(1, client)
    expect(second).not.toBe(first?.pid)
    expect(await pidFrom(2, client)).toBe(second)
    expect(await epochOf(cluster(), client.session)).toBe(2)
    ledger.release('append')
    process.kill(owner.pid, 'SIGCONT')

    expect(textOf((await late).messages()[0] ?? '')).toBe(String(second))
    for (let n = 0; n < 20; n++) expect(await pidFrom(0, client)).toBe(second)
    await until('the end of the old child', () => first && !isAlive(first))
    expect(await epochOf(cluster(), client.session)).toBe(2)
    expect(ledger.runs('append').map(({ pid }) => pid)).toEqual([first?.pid, second])
  } finally {
    process.kill(owner.pid, 'SIGCONT')
  }
  await client.close()
})
