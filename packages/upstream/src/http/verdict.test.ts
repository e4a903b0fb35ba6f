import { describe, expect, it } from 'vitest'
import { noServerThere, responseIn } from './verdict.js'

const answered = (status: number, body = 'no such page') => ({
  status,
  headers: {},
  body: Buffer.from(body),
})

describe('what is no response', () => {
  it.each([404, 405])('blames the url where it is HTTP %i to initialize', (status) => {
    expect(() => responseIn('b', answered(status), '1', true)).toThrow(
      expect.objectContaining({
        code: 'UPSTREAM_BAD_ANSWER',
        data: { backend: 'b', reason: `HTTP ${status}; ${noServerThere}` },
      }),
    )
  })

  it.each([
    [404, false],
    [400, true],
    [500, true],
  ])('is told as it is where it is HTTP %i (initialize: %s)', (status, isOpening) => {
    expect(() => responseIn('b', answered(status), '1', isOpening)).toThrow(
      expect.objectContaining({ data: { backend: 'b', reason: `HTTP ${status}` } }),
    )
  })

  it('is not taken for one that a server refuses by', () => {
    const refusal = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}}'
    expect(responseIn('b', answered(404, refusal), '1', true)).toMatchObject({ id: '1' })
  })
})

describe('HTTP 431', () => {
  it('is about the name that was called, not about the server', () => {
    const body = Buffer.from('Request Header Fields Too Large')
    expect(() => responseIn('x', { status: 431, headers: {}, body }, '1')).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        message: expect.stringContaining('shorten'),
      }),
    )
  })
})
