import { expect, it } from 'vitest'
import { eventBytes, soleMessageIn } from './sse-frame.js'
import { createSseDecoder } from './sse.js'

/** What is written of the events that these bytes hold. */
const written = (text: string): string => {
  const frames: Buffer[] = []
  createSseDecoder((event) => frames.push(eventBytes(event))).push(Buffer.from(text))
  return Buffer.concat(frames).toString()
}

it.each([
  ['a message', 'event: message\ndata: {"a":1}\n\n'],
  ['a message with an id', 'id: 7\nevent: message\ndata: {"a":1}\n\n'],
  ['an event that only names a place', 'id: 7\nretry: 1500\ndata: \n\n'],
  ['an event that only says when to connect again', 'retry: 1500\n\n'],
  ['an event of another name', 'id: 7\nevent: other\ndata: x\n\n'],
])('writes %s as it came', (_, text) => {
  expect(written(text)).toBe(text)
})

it.each([
  [
    'data on several lines on one',
    'data: {\ndata: "a":1}\n\n',
    'event: message\ndata: { "a":1}\n\n',
  ],
  ['no retry that is not a number', 'id: 1\nretry: x\ndata: \n\n', 'id: 1\ndata: \n\n'],
  ['no comment', ': hello\ndata: 1\n\n', 'event: message\ndata: 1\n\n'],
])('writes %s', (_, text, expected) => {
  expect(written(text)).toBe(expected)
})

it.each([
  ['event: message\ndata: {"a":1}\n\n', '{"a":1}'],
  ['event: message\ndata: {"a":1}\n', undefined],
  ['event: message\ndata: {"a":1}\r\n\n', undefined],
  ['event: message\ndata: {"a":\rid: 1}\n\n', undefined],
  ['event: message\ndata: 1\n\nevent: message\ndata: 2\n\n', undefined],
  ['event: message\ndata: 1\nid: 7\n\n', undefined],
  ['data: 1\n\n', undefined],
  ['event: message\ndata: \n\n', undefined],
])('finds the only message of %j', (text, expected) => {
  expect(soleMessageIn(Buffer.from(text))?.toString()).toBe(expected)
})
