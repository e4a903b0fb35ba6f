import { heldBytes } from '@mcp-router/testkit/memory'
import { describe, expect, it } from 'vitest'
import { MalformedMessage } from './malformed.js'
import { createSseDecoder, eventFrame, keepAliveFrame, messageFrame } from './sse.js'
import type { SseEvent } from './sse.js'

const plain = ({ event, data, id }: SseEvent) => ({ event, data: data.toString(), id })

const decoded = (...chunks: string[]) => {
  const events: ReturnType<typeof plain>[] = []
  const decoder = createSseDecoder((event) => events.push(plain(event)))
  for (const chunk of chunks) decoder.push(Buffer.from(chunk))
  return events
}

const message = (data: string, id?: string) => ({ event: 'message', data, id })

describe('the decoder', () => {
  it('hands out an event when its blank line has come', () => {
    expect(decoded('event: endpoint\ndata: /a\n')).toEqual([])
    expect(decoded('event: endpoint\ndata: /a\n', '\n')).toEqual([
      { event: 'endpoint', data: '/a', id: undefined },
    ])
  })

  it('calls an event without name a message', () => {
    expect(decoded('data: 1\n\ndata:2\n\n')).toEqual([message('1'), message('2')])
  })

  it('takes CRLF as well, also when it comes in two chunks', () => {
    expect(decoded('data: a\r', '\n\r\ndata: b\r\n\r', '\n')).toEqual([message('a'), message('b')])
  })

  it('takes CR alone, and any mixture, however it is cut', () => {
    const stream = 'id: 1\rdata: a\r\rdata: b\n\rdata: c\r\ndata: d\n\r\ndata: e\r\r'
    const events = [message('a', '1'), message('b'), message('c\nd'), message('e')]
    expect(decoded(stream)).toEqual(events)
    expect(decoded(...stream.split(''))).toEqual(events)
  })

  it('skips a byte order mark at the beginning, and an id with NUL', () => {
    expect(decoded('\ufeffdata: a\n\n')).toEqual([message('a')])
    expect(decoded('id: a\0b\ndata: a\n\n')).toEqual([message('a')])
  })

  it('joins several lines of data with line breaks', () => {
    expect(decoded('data: {\ndata:  "a":1\ndata: }\n\n')).toEqual([message('{\n "a":1\n}')])
  })

  it('takes one space off a value, and no more', () => {
    expect(decoded('data:  a \n\n')).toEqual([message(' a ')])
  })

  it('passes over comments, fields it does not know and blank lines', () => {
    expect(decoded('\n\n: keepalive\n\n:\nfoo\nfoo: bar\n\n')).toEqual([])
    expect(decoded(': x\ndata: 1\n: y\n\n')).toEqual([message('1')])
  })

  it('hands out an id without data: the event that primes a stream', () => {
    expect(decoded('id: s-1\ndata: \n\n', 'id: s-2\n\n')).toEqual([
      message('', 's-1'),
      message('', 's-2'),
    ])
  })

  it('hands out the time to wait before connecting again, also alone', () => {
    const events: SseEvent[] = []
    createSseDecoder((event) => events.push(event)).push(Buffer.from('retry: 100\n\nretry: x\n\n'))
    expect(events).toMatchObject([{ id: undefined, retry: '100' }])
  })

  it('does not carry name or id over to the next event', () => {
    expect(decoded('event: e\nid: 1\ndata: a\n\ndata: b\n\n')).toEqual([
      { event: 'e', data: 'a', id: '1' },
      message('b'),
    ])
  })

  it('drops what was left without its blank line', () => {
    expect(decoded('data: a\n\ndata: b\n')).toEqual([message('a')])
  })

  it('reads a letter that two chunks share', () => {
    const bytes = Buffer.from('data: é\n\n')
    const events: string[] = []
    const decoder = createSseDecoder(({ data }) => events.push(data.toString()))
    decoder.push(bytes.subarray(0, 7))
    decoder.push(bytes.subarray(7))
    expect(events).toEqual(['é'])
  })
})

describe('the limit of an event', () => {
  const limited = (...chunks: string[]) => {
    let events = 0
    const decoder = createSseDecoder(() => events++, 20)
    for (const chunk of chunks) decoder.push(Buffer.from(chunk))
    return events
  }

  it('stops one that is too long, in one chunk or many, in one line or many', () => {
    expect(() => limited(`data: ${'x'.repeat(30)}`)).toThrow(MalformedMessage)
    expect(() => limited(...'data: 34567890123456789'.split(''))).toThrow(MalformedMessage)
    expect(() => limited(...Array.from({ length: 5 }, () => 'data: x\n'))).toThrow(MalformedMessage)
  })

  it('does not stop many short ones, together or apart', () => {
    expect(limited('data: 1\n\n'.repeat(50))).toBe(50)
    expect(limited(...Array.from({ length: 50 }, () => 'data: 1\n\n'))).toBe(50)
    expect(limited(...Array.from({ length: 50 }, () => ': keepalive\n\n'))).toBe(0)
  })
})

describe('what the decoder holds', () => {
  /** Pushes the same bytes over and over, as one event that does not end. */
  const flooded = (bytes: string, times: number) => () => {
    const decoder = createSseDecoder(() => undefined)
    for (let n = 0; n < times; n++) decoder.push(Buffer.from(bytes))
    return decoder
  }

  it.each([
    ['lines without data', 'data\n'.repeat(1_000), 300],
    ['lines of one letter', 'data:x\n'.repeat(1_000), 300],
    ['a line that comes byte by byte', 'x', 1_000_000],
    ['a comment that comes byte by byte', ':', 1_000_000],
  ])('is a small multiple of what came, of %s', async (_, bytes, times) => {
    expect(await heldBytes(flooded(bytes, times))).toBeLessThan(4 * bytes.length * times)
  })

  it('is no id that would not fit into a header', () => {
    const id = 'i'.repeat(20_000)
    expect(decoded(`id: ${id}\ndata: a\n\n`)).toEqual([message('a')])
    expect(decoded(`id: 7\nid: ${id}\ndata: a\n\n`)).toEqual([message('a', '7')])
  })

  it('is of the name of an event what tells it from others', () => {
    const [event] = decoded(`event: ${'message'.repeat(10_000)}\ndata: a\n\n`)
    expect(event?.event).toHaveLength(16_384)
  })
})

describe('frames', () => {
  it('carry a message on one line', () => {
    const frame = messageFrame(Buffer.from('{\n  "a": 1\r\n}'))
    expect(frame.toString()).toBe('event: message\ndata: {   "a": 1  }\n\n')
    expect(decoded(frame.toString())).toEqual([message('{   "a": 1  }')])
  })

  it('carry a named event', () => {
    expect(decoded(eventFrame('endpoint', '/x?y=1').toString())).toEqual([
      { event: 'endpoint', data: '/x?y=1', id: undefined },
    ])
  })

  it('keep a stream alive without an event', () => {
    expect(decoded(keepAliveFrame.toString(), 'data: 1\n\n')).toEqual([message('1')])
  })
})
