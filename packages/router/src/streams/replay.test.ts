import { createSseDecoder } from '@mcp-router/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formOf, maxAgeMs, Replay } from './replay.js'
import type { Stream } from '../outlet/stream.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A Stream that keeps its events, `id data`. */
const openStream = () => {
  const events: string[] = []
  let text = ''
  let open = true
  const decoder = createSseDecoder(({ id, data }) => events.push(`${id ?? '-'} ${String(data)}`))
  const stream: Stream = {
    message: () => undefined,
    frame(frame) {
      text += String(frame)
      decoder.push(frame)
    },
    end: () => void (open = false),
    isOpen: () => open,
  }
  return { stream, events, text: () => text, break: () => (open = false) }
}

const open = () => {
  const onKept = vi.fn()
  const replay = new Replay('7', { onKept, onBytes: () => undefined, onEnd: () => undefined })
  const say = (...words: string[]) => words.forEach((word) => replay.say(Buffer.from(word)))
  return { replay, say, onKept }
}

const session = { downstream: 'http', revision: '' } as never as Parameters<typeof formOf>[0]

it('has the form of the revision', () => {
  const forms = ['', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].map((revision) =>
    formOf({ ...session, revision }),
  )
  expect(forms).toEqual(['plain', 'plain', 'numbered', 'numbered', 'primed'])
  expect(formOf({ ...session, downstream: 'sse', revision: '2025-11-25' })).toBe('plain')
})

describe('a stream', () => {
  it('names itself and counts in its event ids, from the first event on', () => {
    const { replay, say } = open()
    const { stream, events } = openStream()
    replay.attach(stream, 'numbered')
    say('a', 'b')
    expect(events).toEqual(['7:1 a', '7:2 b'])
  })

  it('has neither ids nor a memory in its plain form', () => {
    const { replay, say, onKept } = open()
    const [first, second] = [openStream(), openStream()]
    replay.attach(first.stream, 'plain')
    say('a')
    expect(onKept).not.toHaveBeenCalled()
    replay.detach(first.stream)
    say('b', 'c')
    replay.attach(second.stream, 'plain')
    expect([first.events, second.events]).toEqual([['- a'], ['- b', '- c']])
    expect(replay.bytes()).toBe(0)
  })

  it('that is primed begins with an id, no data and how long to wait', () => {
    const { replay, say } = open()
    const { stream, text } = openStream()
    replay.attach(stream, 'primed')
    expect(text()).toBe('id: 7:0\nretry: 1000\ndata: \n\n')
    say('a')
    expect(text()).toContain('id: 7:1\nevent: message\ndata: a\n\n')
  })

  it('tells a new stream only what was not written to the one before', () => {
    const { replay, say } = open()
    const [first, second] = [openStream(), openStream()]
    replay.attach(first.stream, 'numbered')
    say('a')
    first.break()
    say('b')
    replay.attach(second.stream, 'primed')
    say('c')
    expect(second.events).toEqual(['7:1 ', '7:2 b', '7:3 c'])
  })

  it('tells what waited to the first stream only', () => {
    const { replay, say } = open()
    const [first, second] = [openStream(), openStream()]
    say('a')
    replay.attach(first.stream, 'numbered')
    replay.attach(second.stream, 'numbered')
    expect([first.events, second.events]).toEqual([['7:1 a'], []])
  })

  it('ends the stream whose place another takes', () => {
    const { replay, say } = open()
    const [first, second] = [openStream(), openStream()]
    replay.attach(first.stream, 'numbered')
    replay.attach(second.stream, 'numbered')
    replay.detach(first.stream)
    say('a')
    expect([first.stream.isOpen(), first.events, second.events]).toEqual([false, [], ['7:1 a']])
  })
})

describe('a client that resumes', () => {
  it('gets each event behind the one it names once, then what comes', () => {
    const { replay, say } = open()
    const [first, second, third] = [openStream(), openStream(), openStream()]
    replay.attach(first.stream, 'numbered')
    say('a', 'b', 'c')
    replay.attach(second.stream, 'numbered', 1)
    say('d')
    expect(second.events).toEqual(['7:2 b', '7:3 c', '7:4 d'])
    replay.attach(third.stream, 'primed', 3)
    expect(third.events).toEqual(['7:3 ', '7:4 d'])
  })

  it('gets the rest of a stream that has ended, and its end', () => {
    const { replay, say } = open()
    const [first, second] = [openStream(), openStream()]
    replay.attach(first.stream, 'numbered')
    say('a')
    replay.detach(first.stream)
    say('answer')
    replay.end()
    say('too late')
    replay.attach(second.stream, 'numbered', 1)
    expect([second.events, second.stream.isOpen()]).toEqual([['7:2 answer'], false])
    expect([0, 1, 2].map((n) => replay.isOverAt(n))).toEqual([false, false, true])
    expect([2, 3].map((n) => replay.has(n))).toEqual([true, false])
  })

  it('gets the newest of too many', () => {
    const { replay, say } = open()
    for (let n = 1; n <= 300; n++) say(String(n))
    const { stream, events } = openStream()
    replay.attach(stream, 'numbered', 10)
    expect([events.length, events[0], events.at(-1)]).toEqual([256, '7:45 45', '7:300 300'])
  })

  it('gets the newest of too much, however big', () => {
    const { replay, say } = open()
    const big = 'x'.repeat(3 * 1024 * 1024)
    say('a', big, 'b')
    const { stream, events } = openStream()
    replay.attach(stream, 'numbered', 0)
    expect(events.length).toBe(3)
    say(big)
    expect(replay.bytes()).toBeLessThan(4 * 1024 * 1024)
    say(big + big)
    const later = openStream()
    replay.attach(later.stream, 'numbered', 0)
    expect(later.events.map((event) => event.length)).toEqual([4 + 2 * big.length])
  })
})

describe('with time', () => {
  it('events go, the older first', () => {
    const { replay, say, onKept } = open()
    say('a')
    vi.advanceTimersByTime(maxAgeMs)
    say('b')
    expect(onKept).toHaveBeenCalledTimes(1)
    expect(replay.age(performance.now())).toBe(true)
    vi.advanceTimersByTime(1)
    expect(replay.age(performance.now())).toBe(true)
    const { stream, events } = openStream()
    replay.attach(stream, 'numbered', 0)
    expect(events).toEqual(['7:2 b'])
    vi.advanceTimersByTime(maxAgeMs)
    expect(replay.age(performance.now())).toBe(false)
    expect(replay.bytes()).toBe(0)
  })

  it('a stream is given up to which no client comes back', () => {
    const { replay } = open()
    const { stream } = openStream()
    replay.attach(stream, 'numbered')
    vi.advanceTimersByTime(2 * maxAgeMs)
    expect(replay.isStale(performance.now())).toBe(false)
    replay.detach(stream)
    vi.advanceTimersByTime(maxAgeMs)
    expect(replay.isStale(performance.now())).toBe(false)
    vi.advanceTimersByTime(1)
    expect(replay.isStale(performance.now())).toBe(true)
  })
})

it('keeps an earlier stream as a spare where a client may have several, and goes on with it when the newest closes', () => {
  const keeper = { onKept: vi.fn(), onBytes: () => undefined, onEnd: () => undefined }
  const replay = new Replay('0', keeper, [])
  const [first, second, third] = [openStream(), openStream(), openStream()]
  for (const { stream } of [first, second, third]) replay.attach(stream, 'numbered')
  replay.say(Buffer.from('a'))
  third.break()
  replay.say(Buffer.from('b'))
  replay.detach(third.stream)
  replay.detach(first.stream)
  replay.say(Buffer.from('c'))
  expect([first.events, second.events, third.events]).toEqual([[], ['0:2 b', '0:3 c'], ['0:1 a']])
  expect(second.stream.isOpen()).toBe(true)
  replay.end()
  expect(second.stream.isOpen()).toBe(false)
})

it('has one stream at a time for a client of 2024-11-05', () => {
  const keeper = { onKept: vi.fn(), onBytes: () => undefined, onEnd: () => undefined }
  const replay = new Replay('0', keeper, [])
  const [first, second] = [openStream(), openStream()]
  for (const { stream } of [first, second]) replay.attach(stream, 'plain')
  expect([first.stream.isOpen(), second.stream.isOpen()]).toEqual([false, true])
})
