import { expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import { useFixture } from '../harness/fixture.js'
import { ask, post } from '../harness/http.js'
import { request } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

const stateless = useFixture('stateless')
// The server keeps no sessions: that one has ended, only the router knows.
const cluster = useCluster(() => ({ servers: { stateless: { url: stateless().url } } }))

it('a session is gone everywhere once its end was answered, a hundred times', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 100; n++) {
    const at = (offset: number): string => `${cluster().instances[(n + offset) % 3]}/mcp/stateless`
    const base = cluster().instances[n % 3] ?? ''
    const { headers } = await converse('http', { base, backend: 'stateless' })
    // All of them remember it.
    for (const offset of [0, 1, 2])
      expect((await post(at(offset), request(1, 'tools/list'), headers)).status).toBe(200)
    await ask(at(1), { method: 'DELETE', headers })
    for (const offset of [2, 0, 1])
      statuses.push((await post(at(offset), request(2, 'tools/list'), headers)).status)
  }
  expect(statuses).toEqual(Array.from({ length: 300 }, () => 404))
})
