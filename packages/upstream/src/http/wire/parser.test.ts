import { describe, expect, it } from 'vitest'
import { BadAnswer } from '../bad-answer.js'
import type { HttpHeaders } from '../headers.js'
import { createHeadReader } from './head.js'
import { createResponseParser } from './parser.js'
import type { ResponseListener } from './parser.js'

type Heard = [status: number, headers: HttpHeaders, body: string, reusable: boolean]

/** Feeds the bytes in pieces of at most `size`, through one buffer that is written over, as a socket's is. */
const read = (text: string, size = Infinity) => {
  const heard: Heard[] = []
  let current: Heard | undefined
  const listener: ResponseListener = {
    onHead: (status, headers) => (current = [status, { ...headers }, '', false]),
    onBody: (chunk) => current && (current[2] += chunk.toString('latin1')),
    onEnd(reusable) {
      if (!current) throw new Error('an end without a head')
      current[3] = reusable
      heard.push(current)
      current = undefined
    },
  }
  const parser = createResponseParser(listener, createHeadReader())
  const bytes = Buffer.from(text, 'latin1')
  const buffer = Buffer.alloc(Math.min(size, bytes.length))
  for (let from = 0; from < bytes.length; from += buffer.length) {
    const length = bytes.copy(buffer, 0, from, from + buffer.length)
    parser.feed(buffer.subarray(0, length))
    buffer.fill('#')
  }
  return { heard, begun: current, finish: () => parser.finish() }
}

const head = (status: string, ...lines: string[]) =>
  [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n')

describe.each([Infinity, 64, 7, 1])('a response in pieces of at most %d bytes', (size) => {
  it.each<[string, string, Heard]>([
    [
      'of a given length',
      head('200 OK', 'Content-Type: a/b', 'Content-Length: 5') + 'hello',
      [200, { 'content-type': 'a/b', 'content-length': '5' }, 'hello', true],
    ],
    [
      'without a body',
      head('202 Accepted', 'Content-Length: 0'),
      [202, { 'content-length': '0' }, '', true],
    ],
    ['that has none by its status', head('204 No Content'), [204, {}, '', true]],
    [
      'in chunks, with extensions and trailers',
      head('200 OK', 'Transfer-Encoding: Chunked') +
        '3\r\nabc\r\nA;x=y\r\n\r\n34567890\r\n0\r\nT: v\r\n\r\n',
      [200, { 'transfer-encoding': 'Chunked' }, 'abc\r\n34567890', true],
    ],
    [
      'behind interim ones',
      head('100 Continue') +
        head('103 Early Hints', 'Link: x') +
        head('200', 'Content-Length: 1') +
        'x',
      [200, { 'content-length': '1' }, 'x', true],
    ],
    [
      'after which the connection closes',
      head('200 OK', 'Connection: close', 'Content-Length: 1') + 'x',
      [200, { connection: 'close', 'content-length': '1' }, 'x', false],
    ],
    [
      'of HTTP/1.0',
      'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
      [200, { 'content-length': '1' }, 'x', false],
    ],
    [
      'with headers twice, empty, and spaced out',
      head('200 OK', 'A: 1', 'a:\t2 ', 'B:', 'Content-Length: 0'),
      [200, { a: '1, 2', b: '', 'content-length': '0' }, '', true],
    ],
  ])('%s is read', (_, text, expected) => {
    expect(read(text, size).heard).toEqual([expected])
  })

  it('that ends with its connection is whole once that closed', () => {
    const { heard, begun, finish } = read(head('200 OK') + 'until the end', size)
    expect([heard, begun?.[2]]).toEqual([[], 'until the end'])
    expect(finish()).toBe(true)
    expect(heard).toEqual([[200, {}, 'until the end', false]])
  })

  it.each([
    ['its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['its length', head('200 OK', 'Content-Length: 5') + 'hell'],
    ['its chunks', head('200 OK', 'Transfer-Encoding: chunked') + '5\r\nhello\r\n'],
  ])('that breaks within %s is not whole', (_, text) => {
    const { heard, finish } = read(text, size)
    expect([heard, finish()]).toEqual([[], false])
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['an upgrade', head('101 Switching Protocols')],
    ['a header without colon', head('200 OK', 'Nonsense')],
    ['a header without name', head('200 OK', ': x')],
    ['a line break in a header', head('200 OK', 'A: b\nSet-Cookie: c')],
    // Not even an end of the head would be found: nobody may wait for it.
    ['lines that end with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\n{}'],
    ['a first line that ends so', 'HTTP/1.1 200 OK\nContent-'],
    ['a chunk size that ends so', head('200 OK', 'Transfer-Encoding: chunked') + '1\nx'],
    ['a chunk that ends so', head('200 OK', 'Transfer-Encoding: chunked') + '1\r\nx\n'],
    ['a length that is no number', head('200 OK', 'Content-Length: 5, 5')],
    ['a negative length', head('200 OK', 'Content-Length: -1')],
    ['two lengths', head('200 OK', 'Content-Length: 1', 'Content-Length: 2')],
    [
      'a length and chunks',
      head('200 OK', 'Content-Length: 3', 'Transfer-Encoding: chunked') + '1\r\nx\r\n0\r\n\r\n',
    ],
    [
      'trailers without end',
      head('200 OK', 'Transfer-Encoding: chunked') + '0\r\n' + 'A: b\r\n'.repeat(20_000),
    ],
    ['a control character', head('200 OK', 'A: \x01')],
    ['a field on two lines', head('200 OK', 'A: b', ' c: d')],
    ['a blank before a colon', head('200 OK', 'Content-Length : 1')],
    ['another coding', head('200 OK', 'Transfer-Encoding: gzip, chunked')],
    ['a chunk size that is no number', head('200 OK', 'Transfer-Encoding: chunked') + 'x\r\n'],
    ['a chunk longer than it said', head('200 OK', 'Transfer-Encoding: chunked') + '1\r\nxy\r\n'],
  ])('that is %s is refused', (_, text) => {
    expect(() => read(text, size)).toThrow(BadAnswer)
  })
})

it('two at once leave the connection unusable: the second is nobody’s', () => {
  const one = head('200 OK', 'Content-Length: 1') + 'x'
  expect(read(one + one).heard.map(([, , body, reusable]) => [body, reusable])).toEqual([
    ['x', false],
  ])
})

it('a head without end is refused', () => {
  expect(() => read(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`, 1_000)).toThrow(BadAnswer)
})
