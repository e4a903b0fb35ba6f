import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { requireUsableRedis, untilUsableRedis } from './usable-redis.js'

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
    `REDIS_URL redis://${host}/99: database 99 cannot be used: DB index is out of range; nothing was changed: correct the database in REDIS_URL`,
  )
})

it('refuses a wrong password, which it does not show', async () => {
  const host = await redisAnswering([
    '-WRONGPASS invalid username-password pair',
    '-NOAUTH',
    '-NOAUTH',
  ])
  await expect(requireUsableRedis({ redisUrl: `redis://:secret@${host}/1` })).rejects.toThrow(
    `REDIS_URL redis://${host}/1: WRONGPASS invalid username-password pair; nothing was changed: correct its login`,
  )
})

it.each([['-LOADING Redis is loading the dataset in memory'], ['+PONG']])(
  'waits for one that answers %s',
  async (line) => {
    const redisUrl = `redis://${await redisAnswering([line])}`
    await expect(requireUsableRedis({ redisUrl })).resolves.toBeUndefined()
  },
)

it.each([
  ['redis://:secret@127.0.0.1:1/0', 'redis://127.0.0.1:1/0: connection refused'],
  ['unix:///nowhere/redis.sock', 'unix:///nowhere/redis.sock: '],
])('refuses one that cannot be reached (%s)', async (redisUrl, told) => {
  const refused = requireUsableRedis({ redisUrl })
  await expect(refused).rejects.toThrow(`REDIS_URL ${told}`)
  await expect(refused).rejects.toThrow('; nothing was changed: start it, or correct REDIS_URL')
})

it.each([undefined, 'redis+cluster://127.0.0.1:1'])(
  'does not judge one that it cannot ask (%s)',
  async (redisUrl) => {
    await expect(requireUsableRedis({ redisUrl })).resolves.toBeUndefined()
  },
)

describe('a start', () => {
  const none = new AbortController().signal

  it('waits for one that cannot be reached yet', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => void vi.restoreAllMocks())
    const folder = mkdtempSync(join(tmpdir(), 'usable-redis-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'redis.sock')
    const waited = untilUsableRedis({ redisUrl: `unix://${path}` }, none)
    const server = createServer((socket) => void socket.end('+PONG\r\n')).listen(path)
    onTestFinished(() => void server.close())
    await expect(waited).resolves.toBeUndefined()
  })

  it('gives up after a while, and says why', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => void vi.restoreAllMocks())
    await expect(untilUsableRedis({ redisUrl: 'redis://127.0.0.1:1' }, none, 0)).rejects.toThrow(
      'REDIS_URL redis://127.0.0.1:1: connection refused; start it, or correct REDIS_URL',
    )
  })
})
