import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownCluster, type OwnCluster } from './own-cluster.js'
import { pidFilesOf, pidsOf, start } from './own-processes.js'

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

it.each(['redis://127.0.0.1:1/0', 'unix:///nowhere/redis.sock'])(
  'a restart stops nothing for a Redis that cannot be reached (%s)',
  async (redisUrl) => {
    await start(cluster)
    const before = pidsOf(cluster)
    const { code, text } = await cluster.run(['cluster', 'restart'], {
      env: { REDIS_URL: redisUrl },
    })
    expect(text).toContain(`REDIS_URL ${redisUrl}: `)
    expect(text).toContain('nothing was changed: start it, or correct REDIS_URL')
    expect([code, pidsOf(cluster)]).toEqual([1, before])
    expect((await cluster.run(['cluster', 'status'])).code).toBe(0)
  },
)

it('a start starts nothing for it, and says why at its end', async () => {
  const { code, text } = await cluster.run(['cluster', 'start'], {
    env: { REDIS_URL: 'redis://:hidden@127.0.0.1:1/0' },
  })
  const lines = text.trimEnd().split('\n')
  const why = 'REDIS_URL redis://127.0.0.1:1/0: connection refused; start it, or correct REDIS_URL'
  expect(lines).toEqual([
    'mcp-router: waiting for Redis at redis://127.0.0.1:1/0 (connection refused)',
    `mcp-router: ${why}`,
  ])
  expect([code, pidFilesOf(cluster)]).toEqual([1, []])
})
