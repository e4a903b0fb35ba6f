import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownCluster, type OwnCluster } from './own-cluster.js'
import { pidFilesOf, pidsOf, start } from './own-processes.js'

let cluster: OwnCluster

beforeEach(async () => {
  cluster = await ownCluster()
})
afterEach(() => cluster.close())

it('a restart stops nothing for a Redis that cannot be reached', async () => {
  await start(cluster)
  const before = pidsOf(cluster)
  for (const redisUrl of ['redis://127.0.0.1:1/0', 'unix:///nowhere/redis.sock']) {
    const { code, text } = await cluster.run(['cluster', 'restart'], {
      env: { REDIS_URL: redisUrl },
    })
    expect(text).toContain(`REDIS_URL ${redisUrl}: `)
    expect(text).toContain('nothing was changed: start it, or correct REDIS_URL')
    expect([code, pidsOf(cluster)]).toEqual([1, before])
    expect((await cluster.run(['cluster', 'status'])).code).toBe(0)
  }
})

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

it('a restart takes another one only where that is meant', async () => {
  const other = await ownCluster()
  try {
    const redis = await other.run(['cluster', 'start', String(other.instancePorts[0])])
    expect(redis.code).toBe(0)
    await other.run(['cluster', 'stop', String(other.instancePorts[0])])
    await start(cluster)
    const before = pidsOf(cluster)
    const env = { REDIS_URL: `unix://${other.runDir}/redis.sock` }
    const { code, text } = await cluster.run(['cluster', 'restart'], { env })
    expect(text).toContain('its sessions would be lost; nothing was changed: unset REDIS_URL, or')
    expect([code, pidsOf(cluster)]).toEqual([1, before])

    const meant = await cluster.run(['cluster', 'restart', '--other-redis'], { env })
    expect([meant.code, meant.text]).toEqual([0, expect.stringContaining('restarted 2 instances')])
    const blind = await cluster.run(['cluster', 'status'])
    expect(blind.text).toMatch(/^redis .* not looked at: REDIS_URL of the cluster is not set in/m)
    expect(blind.code).toBe(1)
    expect((await cluster.run(['cluster', 'status'], { env })).code).toBe(0)
    // A shell that forgot it would go back.
    const forgot = await cluster.run(['cluster', 'restart'])
    expect(forgot.text).toContain('set REDIS_URL as before, or go on with another one: ')
    expect(forgot.code).toBe(1)
  } finally {
    await cluster.run(['cluster', 'stop'])
    await other.close()
  }
})
