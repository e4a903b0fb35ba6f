import { requestBytes, scanMessage } from '@mcp-router/protocol'
import { describe, expect, it } from 'vitest'
import { WireIds } from './wire-ids.js'

const message = (value: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...value })))
const request = (id: unknown, params: object = {}) => message({ id, method: 'tools/call', params })
const response = (id: string, result: object = {}) =>
  scanMessage(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`))
const progress = (progressToken: unknown) =>
  message({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
const withToken = (progressToken: unknown) => ({ _meta: { progressToken } })

const tokenIn = (text: Buffer): unknown =>
  (JSON.parse(String(text)) as { params: { _meta: { progressToken: unknown } } }).params._meta
    .progressToken

describe('a request whose id is free', () => {
  it.each([1, 'a', 0])('passes as it is, and so does its response (%s)', (id) => {
    const ids = new WireIds()
    const asked = request(id)
    expect(ids.sent(asked)).toBe(asked)
    const answer = response(JSON.stringify(id))
    expect(ids.received(answer)).toBe(answer)
    expect(ids.sent(asked)).toBe(asked)
  })
})

describe('a request whose id had another one, which the server may still answer', () => {
  it('has an id of its own there, and gets its own response whichever comes first', () => {
    for (const lateFirst of [true, false]) {
      const ids = new WireIds()
      ids.sent(request(1))
      const { id } = ids.sent(request(1, { again: true }))
      expect(id).not.toBe('1')
      const both = [
        () => expect(ids.received(response('1', { late: true }))).toBeUndefined(),
        () => expect(ids.received(response(id, { late: false }))?.id).toBe('1'),
      ]
      for (const each of lateFirst ? both : both.toReversed()) each()
    }
  })

  it('has one too where the first one was refused, and may have run', () => {
    const ids = new WireIds()
    ids.abandoned(ids.sent(request(1, withToken('t'))))
    const second = ids.sent(request(1, withToken('t')))
    expect(second.id).not.toBe('1')
    expect(ids.received(progress('t'))).toBeUndefined()
    expect(ids.received(response('1', { n: 1 }))).toBeUndefined()
    expect(ids.received(response(second.id, { n: 2 }))).toMatchObject({ id: '1' })
  })

  it('is the one that a cancellation means', () => {
    const ids = new WireIds()
    ids.sent(request(1))
    const { id } = ids.sent(request(1))
    const cancel = message({ method: 'notifications/cancelled', params: { requestId: 1 } })
    expect(JSON.parse(String(ids.sent(cancel).bytes))).toMatchObject({
      params: { requestId: JSON.parse(id) as unknown },
    })
    expect(ids.of('1')).toBe(id)
    expect(ids.own(id)).toBe('1')
  })

  it('does so a third time, with all of their responses to come', () => {
    const ids = new WireIds()
    const [first, second, third] = [1, 2, 3].map(() => ids.sent(request(1)).id)
    expect(new Set([first, second, third]).size).toBe(3)
    expect(ids.received(response(second!))).toBeUndefined()
    expect(ids.received(response(third!))?.id).toBe('1')
    expect(ids.received(response(first!))).toBeUndefined()
    // All are answered: it is as if nothing had been.
    expect(ids.sent(request(1)).id).toBe('1')
  })

  it('passes as it is where the first one was never sent', () => {
    const ids = new WireIds()
    ids.unsent(ids.sent(request(1)))
    expect(ids.sent(request(1)).id).toBe('1')
  })
})

describe('a progress token that an earlier request had', () => {
  it('is another one at the server, which nobody else receives', () => {
    const ids = new WireIds()
    ids.sent(request(1, withToken('t')))
    const there = tokenIn(ids.sent(request(2, withToken('t'))).bytes)
    expect(there).not.toBe('t')
    expect(ids.received(progress('t'))).toBeUndefined()
    expect(String(ids.received(progress(there))?.bytes)).toContain('"progressToken":"t"')
  })

  it('passes as it is once that was answered', () => {
    const ids = new WireIds()
    ids.sent(request(1, withToken('t')))
    ids.received(response('1'))
    expect(tokenIn(ids.sent(request(2, withToken('t'))).bytes)).toBe('t')
    const said = progress('t')
    expect(ids.received(said)).toBe(said)
  })
})

it('remembers so many requests that were never answered, and no more', () => {
  const ids = new WireIds()
  for (let id = 0; id < 4_001; id++) ids.sent(scanMessage(requestBytes(id, 'ping', {})))
  expect(ids.sent(request(0)).id).toBe('0')
  expect(ids.sent(request(4_000)).id).not.toBe('4000')
})
