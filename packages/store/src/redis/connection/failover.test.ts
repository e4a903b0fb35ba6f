import { expect, it, onTestFinished, vi } from 'vitest'
import { lasting } from '../../open-store.contract.js'
import { aSession } from '../../session-store.contract.js'
import { startSentinel } from '../deployment.contract.js'
import { redisStore } from '../store.js'

it('finds the sessions on the new master when the Sentinels have made one', async () => {
  const deployment = await startSentinel(1)
  onTestFinished(() => deployment.close())
  const store = redisStore(deployment.url, lasting)
  onTestFinished(() => store.close())
  const session = aSession()
  await store.sessions.create(session)
  await vi.waitUntil(async () => (await deployment.masters[0]!.raw.wait(1, 100)) === 1, 10_000)

  await deployment.masters[0]!.kill()
  const touches = [{ id: session.id, epoch: 0 }]
  const isKept = async () => {
    const outcomes = await store.sessions.touch(touches, Date.now()).catch(() => [])
    return outcomes[0] === 'kept'
  }
  await vi.waitUntil(isKept, { timeout: 30_000, interval: 50 })
  expect(await store.sessions.update(session.id, 0, { loggingLevel: 'debug' })).toBe(true)
  expect(store.health()).toEqual({ up: true })
}, 60_000)
