import { expect, it } from 'vitest'
import { eventStreamType, isMediaType } from './media.js'

it.each([
  ['text/event-stream', true],
  ['Text/Event-Stream', true],
  ['TEXT/EVENT-STREAM;charset=utf-8', true],
  ['text/event-stream ; charset=utf-8', true],
  ['text/event-streams', false],
  ['text/event', false],
  ['application/json; note=text/event-stream', false],
  ['', false],
  [undefined, false],
])('%j is an event stream: %s', (value, is) => {
  expect(isMediaType(value, eventStreamType)).toBe(is)
})
