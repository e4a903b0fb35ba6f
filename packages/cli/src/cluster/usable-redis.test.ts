import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { requireUsableRedis } from './usable-redis.js'

/** redisAnswering is a Redis that gives these lines, whatever it is asked. */
const redisAnswering = async (lines: readonly string[]): Promise<string> => {
  const server = createServer(
    (socket) => void socket.end(lines.map((each) => `${each}\r\n`).join('')),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('refuses a database that does not exist, and says what to do', async () => {
  const host = await redisAnswering(['+OK', '-ERR DB index is out of range', '+PONG'])
  await expect(requireUsableRedis({ redisUrl: `redis://:secret@${host}/99` })).rejects.toThrow(
    `REDIS_URL redis://${host}/99: database 99 cannot be used: DB index is out of range; correct the database in REDIS_URL`,
  )
})

it('refuses a wrong password, which it does not show', async () => {
  const host = await redisAnswering([
    '-WRONGPASS invalid username-password pair',
    '-NOAUTH',
    '-NOAUTH',
  ])
  await expect(requireUsableRedis({ redisUrl: `redis://:secret@${host}/1` })).rejects.toThrow(
    `REDIS_URL redis://${host}/1: WRONGPASS invalid username-password pair; correct its login`,
  )
})

it.each([['-LOADING Redis is loading the dataset in memory'], ['+PONG']])(
  'waits for one that answers %s',
  async (line) => {
    const redisUrl = `redis://${await redisAnswering([line])}`
    await expect(requireUsableRedis({ redisUrl })).resolves.toBeUndefined()
  },
)

it.each([undefined, 'redis://127.0.0.1:1/99', 'redis+cluster://127.0.0.1:1'])(
  'does not judge one that it cannot ask (%s)',
  async (redisUrl) => {
    await expect(requireUsableRedis({ redisUrl })).resolves.toBeUndefined()
  },
)
