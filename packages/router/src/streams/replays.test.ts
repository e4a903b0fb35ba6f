import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { createAgeing } from './ageing.js'
import { maxAgeMs } from './replay.js'
import { createBuffers, createKept } from './kept.js'
import { maxCalls, Replays } from './replays.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const limitBytes = 256 * 1024 * 1024
const open = () => {
  const deadlines = createDeadlines()
  const replays = new Replays(createBuffers(deadlines, limitBytes))
  const lapsed = vi.fn()
  const call = (...words: string[]) => {
    const replay = replays.open('7', () => lapsed(replay.name))
    for (const word of words) replay.say(Buffer.from(word))
    return replay
  }
  return { replays, call, lapsed, deadlines }
}

it('finds the stream of an event, and where in it', () => {
  const { replays, call } = open()
  const [one, two] = [call('a'), call('a', 'b')]
  replays.standalone.say(Buffer.from('a'))
  expect(replays.find('0:1')).toEqual({ replay: replays.standalone, after: 1 })
  expect(replays.find(`${one.name}:0`)).toEqual({ replay: one, after: 0 })
  expect(replays.find(`${two.name}:2`)).toEqual({ replay: two, after: 2 })
})

it('finds nothing under an id that is none of its own', () => {
  const { replays, call } = open()
  call('a')
  const foreign = ['', 'x', '0', '0:', ':1', '1:2', '2:0', '-1:0', '1:0x', '1:1:1', '1e1:0']
  for (const id of foreign) expect([id, replays.find(id)]).toEqual([id, undefined])
})

it('keeps the last streams that ended, by number', () => {
  const { replays, call } = open()
  const running = call('a')
  const ended = Array.from({ length: 20 }, () => call('a'))
  for (const replay of ended) replay.end()
  call()
  const found = ended.filter(({ name }) => replays.find(`${name}:1`))
  expect(found).toEqual(ended.slice(-15))
  expect(replays.find(`${running.name}:1`)).toBeDefined()
})

it('keeps the last streams that ended, by size, and the very last in any case', () => {
  const { replays, call } = open()
  const big = 'x'.repeat(3 * 1024 * 1024)
  const ended = [call(big), call('a'), call(big + big)]
  for (const replay of ended) replay.end()
  call()
  expect(ended.map(({ name }) => replays.find(`${name}:1`) !== undefined)).toEqual([
    false,
    false,
    true,
  ])
})

it('gives up, by itself, calls that no client comes back for, and old events', () => {
  const { replays, call, lapsed } = open()
  const [away, ended] = [call('a'), call('a')]
  ended.end()
  replays.standalone.say(Buffer.from('a'))
  vi.advanceTimersByTime(maxAgeMs)
  expect([lapsed.mock.calls, replays.standalone.bytes()]).toEqual([[], expect.any(Number)])
  expect(replays.find(`${away.name}:1`)).toBeDefined()
  vi.advanceTimersByTime(16_000)
  expect(lapsed.mock.calls.flat()).toEqual([away.name, ended.name])
  expect(replays.find(`${away.name}:1`)).toBeUndefined()
  expect(replays.standalone.bytes()).toBe(0)
})

it('ages again what is kept later, and nothing once it is closed', () => {
  const { replays, deadlines, call, lapsed } = open()
  const add = vi.spyOn(deadlines, 'add')
  const keep = () => replays.standalone.say(Buffer.from('a'))
  for (let times = 0; times < 2; times++) {
    keep()
    vi.advanceTimersByTime(maxAgeMs + 16_000)
    expect(replays.standalone.bytes()).toBe(0)
  }
  const added = add.mock.calls.length
  vi.advanceTimersByTime(maxAgeMs)
  expect(add).toHaveBeenCalledTimes(added)
  call()
  replays.close()
  vi.advanceTimersByTime(2 * maxAgeMs)
  expect(lapsed).not.toHaveBeenCalled()
})

it('is aged no more once it is closed', () => {
  const ageing = { add: vi.fn(), remove: vi.fn() }
  const replays = new Replays({ ageing, kept: createKept(limitBytes) })
  replays.standalone.say(Buffer.from('a'))
  expect(ageing.add.mock.calls).toEqual([[replays]])
  replays.close()
  expect(ageing.remove.mock.calls).toEqual([[replays]])
})

it('takes no more calls than it can hold, until some have ended', () => {
  const { replays, call } = open()
  const running = Array.from({ length: maxCalls + 16 }, () => call())
  const error = { code: 'OVERLOADED', message: expect.stringContaining('1000') }
  expect(() => replays.requireRoom()).toThrow(expect.objectContaining(error) as Error)
  for (const replay of running.slice(0, 40)) replay.end()
  call()
  replays.requireRoom()
})

it('finds a stream no more that ended and went because all sessions together kept too much', () => {
  const kept = createKept(1_000)
  const sessions = [1, 2].map(
    (epoch) => new Replays({ ageing: createAgeing(createDeadlines()), kept }, epoch),
  )
  const word = Buffer.from('x'.repeat(400))
  const [first, second] = sessions.map((replays) => {
    const replay = replays.open('7', () => undefined)
    replay.say(word)
    replay.end()
    return { replays, at: `${replay.name}:1` }
  })
  expect([first, second].map((each) => each?.replays.find(each.at) !== undefined)).toEqual([
    true,
    true,
  ])
  sessions[1]?.standalone.say(word)
  expect(first?.replays.find(first.at)).toBeUndefined()
  expect(second?.replays.find(second.at)).toBeDefined()
  for (const replays of sessions) replays.close()
  expect(kept.bytes()).toBe(0)
})
