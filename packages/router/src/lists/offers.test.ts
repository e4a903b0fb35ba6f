import type { Backend, SessionId } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createOffers } from './offers.js'
import type { Digests } from './offers.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const tools = 'notifications/tools/list_changed'
const prompts = 'notifications/prompts/list_changed'
const [a, b] = [httpEndpoint('http://a/mcp'), httpEndpoint('http://b/mcp')]
const weather: Backend = backendOf('weather', [a, b])

const open = () => {
  const onChanged = vi.fn()
  const offers = createOffers({ onChanged })
  const ask = vi.fn((): Promise<Digests> => Promise.resolve(listed))
  let listed: Digests = new Map()
  const lists = (toolList: string, promptList = 'p'): void => {
    listed = new Map([
      [tools, toolList],
      [prompts, promptList],
    ])
  }
  lists('one')
  /** `since` is now where the session has moved, and what is asked for waits for its turn. */
  const look = async (session: string, { moved = false, endpoint = a } = {}) => {
    const looking = offers.look({
      session: session as SessionId,
      backend: weather,
      endpoint,
      since: Date.now(),
      isFirst: !moved,
      ask,
    })
    looking.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2_500)
    return looking
  }
  return { offers, onChanged, ask, lists, look }
}

it('a session that goes on at a changed server is told of the lists that changed, once', async () => {
  const { look, lists, onChanged } = open()
  expect(await look('s')).toEqual([])
  lists('two')
  expect(await look('s', { moved: true })).toEqual([tools])
  expect(onChanged.mock.calls).toEqual([['weather', tools]])
  expect(await look('s', { moved: true })).toEqual([])
})

it('a session that opens after its server changed knows what is listed now, not what was', async () => {
  const { look, lists } = open()
  await look('earlier')
  lists('two')
  expect(await look('s')).toEqual([])
  expect(await look('s', { moved: true })).toEqual([])
  lists('one')
  expect(await look('s', { moved: true })).toEqual([tools])
})

it('so is each other one, whenever it moves, and one that opened its stream elsewhere before', async () => {
  const { look, lists, onChanged } = open()
  await look('first')
  await look('late')
  lists('two')
  expect(await look('first', { moved: true })).toEqual([tools])
  expect(await look('late', { moved: true })).toEqual([tools])
  lists('three')
  expect(await look('from elsewhere', { moved: true })).toEqual([tools])
  expect(onChanged).toHaveBeenCalledTimes(2)
})

it('one that moves to an endpoint that lists something else is told, too', async () => {
  const { look, lists } = open()
  await look('s')
  lists('two')
  expect(await look('s', { moved: true, endpoint: b })).toEqual([tools])
})

it('nothing is told where nothing was known, or where a list is not the same only to others', async () => {
  const { look, lists } = open()
  expect(await look('s', { moved: true })).toEqual([])
  lists('two')
  expect(await look('new')).toEqual([])
})

it('a list that is gone has changed', async () => {
  const { look, ask } = open()
  await look('s')
  ask.mockResolvedValue(new Map([[tools, 'one']]))
  expect(await look('s', { moved: true })).toEqual([prompts])
})

it('a list of which its server told news is not what it was, whatever it is now', async () => {
  const { offers, look } = open()
  await look('heard')
  await look('told')
  offers.heard('heard' as SessionId, tools)
  expect(await look('heard', { moved: true })).toEqual([tools])
  expect(await look('told', { moved: true })).toEqual([])
  offers.told('weather', prompts)
  expect(await look('told', { moved: true })).toEqual([prompts])
})

it('a server is asked once for all who come, and not again within a second', async () => {
  const { offers, ask, look } = open()
  await look('s0')
  const since = Date.now()
  const many = Array.from({ length: 100 }, (_, n) =>
    offers.look({ session: `s${n}` as SessionId, backend: weather, endpoint: a, since, ask }),
  )
  await vi.advanceTimersByTimeAsync(10)
  const later = offers.look({
    session: 's' as SessionId,
    backend: weather,
    endpoint: a,
    since: Date.now(),
    ask,
  })
  await vi.advanceTimersByTimeAsync(500)
  expect(ask).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all([...many, later])
  expect(ask).toHaveBeenCalledTimes(3)
})

it('a server that could not be asked is asked once more, then nothing is known', async () => {
  const { ask, look, lists } = open()
  await look('s')
  lists('two')
  ask.mockRejectedValueOnce(new Error('gone'))
  expect(await look('s', { moved: true })).toEqual([tools])
  ask.mockRejectedValue(new Error('gone'))
  await expect(look('s', { moved: true })).rejects.toThrow('gone')
})
