import { describe, expect, it } from 'vitest'
import { acceptedOf } from './accept.js'

const forms = (header?: string): string => {
  const { json, stream } = acceptedOf(header)
  return [json && 'json', stream && 'stream'].filter(Boolean).join('+')
}

describe('what a client accepts', () => {
  it.each([
    [undefined, 'json+stream'],
    ['application/json, text/event-stream', 'json+stream'],
    ['text/event-stream,application/json', 'json+stream'],
    ['Application/JSON , TEXT/Event-Stream', 'json+stream'],
    ['*/*', 'json+stream'],
    ['application/json', 'json'],
    ['application/json; charset=utf-8', 'json'],
    ['application/*', 'json'],
    ['APPLICATION/JSON;q=0.5', 'json'],
    ['text/event-stream', 'stream'],
    ['text/*;q=0.1', 'stream'],
    ['*/*, application/json;q=0', 'stream'],
    ['text/event-stream;q=0, */*;q=0.1', 'json'],
    ['application/json;q=0.0, text/event-stream;q=1.0', 'stream'],
    ['text/plain', ''],
    ['application/jsonx', ''],
    ['', ''],
    ['*/*;q=0', ''],
  ])('%j is %j', (header, expected) => {
    expect(forms(header)).toBe(expected)
    // What was met before is remembered.
    expect(forms(header)).toBe(expected)
  })
})
