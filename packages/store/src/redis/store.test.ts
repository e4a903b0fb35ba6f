import { afterAll, beforeAll, describe } from 'vitest'
import type { OpenStore } from '../open-store.contract.js'
import { describeStore } from '../store.contract.js'
import { startCluster, startSentinel, startSingle, type Deployment } from './deployment.contract.js'
import { redisStore } from './store.js'

const forms: Record<string, () => Promise<Deployment>> = {
  'redis over TCP': () => startSingle('tcp'),
  'redis over a socket': () => startSingle('socket'),
  'redis behind a Sentinel': () => startSentinel(),
  'Redis Cluster': startCluster,
}

// At once, because most of them waits for something to expire.
describe.concurrent.each(Object.entries(forms))('%s', (name, start) => {
  let deployment: Deployment

  beforeAll(async () => {
    deployment = await start()
  })

  afterAll(() => deployment.close())

  const open: OpenStore = async (options) => {
    await Promise.all(deployment.masters.map((master) => master.raw.flushall()))
    return redisStore(deployment.url, options)
  }

  describeStore(name, open)
})
