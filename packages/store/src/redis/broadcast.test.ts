import { expect, it, onTestFinished, vi } from 'vitest'
import { connectBroadcast } from './broadcast.js'
import { startRedis } from './redis-process.contract.js'

const open = async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const errors: string[] = []
  const connected = () => {
    const client = connectBroadcast(redis.url, ({ message }) => void errors.push(message))
    onTestFinished(() => client.disconnect())
    return client
  }
  return { redis, errors, connected }
}

const patience = { timeout: 10_000, interval: 20 }

// A rejection that nobody handles fails the run, as it would end an instance.
it.each(['subscribe', 'psubscribe'] as const)(
  'a subscription (%s) that meets Redis away is there once Redis is back, and nothing is rejected',
  async (name) => {
    const { redis, errors, connected } = await open()
    await redis.kill()
    const subscriber = connected()
    const heard: string[] = []
    subscriber.on('message', (_, text: string) => void heard.push(text))
    subscriber.on('pmessage', (_, __, text: string) => void heard.push(text))
    void subscriber[name]('news')
    await vi.waitFor(() => expect(errors.join()).toContain('max retries'), patience)
    await redis.start()
    await vi.waitFor(async () => {
      await redis.raw.publish('news', 'back')
      expect(heard).toContain('back')
    }, patience)
  },
)

it('what cannot be published is told, and not rejected', async () => {
  const { redis, errors, connected } = await open()
  const publisher = connected()
  expect(await publisher.publish('news', 'one')).toBe(0)
  await redis.kill()
  expect(await publisher.publish('news', 'two')).toBe(0)
  expect(errors.length).toBeGreaterThan(0)
})

it('a subscription ends with its connection', async () => {
  const { redis, connected } = await open()
  await redis.kill()
  const subscriber = connected()
  const subscribed = subscriber.subscribe('news')
  subscriber.disconnect()
  expect(await subscribed).toBeUndefined()
})
