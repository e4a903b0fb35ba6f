import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import { RouterError } from '@mcp-router/core'
import { SessionLost } from '@mcp-router/upstream'
import { describe, expect, it } from 'vitest'
import type { Context } from './downstream/context.js'
import { afterBreak, isBroken, outcomeUnknown } from './outcome.js'
import { backendOf } from './testing/backend.js'

const messageOf = (method: string, params?: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
const append = messageOf('tools/call', { name: 'append', arguments: { secret: 's3cret' } })
const at = Date.parse('2026-07-28T12:00:00Z')

it('what is told of a call names it, when it was sent, and none of its arguments', () => {
  const { code, rpc, status, told, message } = outcomeUnknown({
    message: append,
    requestId: 'r',
    at,
  })
  expect({ code, rpc, status, told }).toEqual({
    code: 'OUTCOME_UNKNOWN',
    rpc: -31001,
    status: 200,
    told: {
      requestId: 'r',
      method: 'tools/call',
      tool: 'append',
      sentAt: '2026-07-28T12:00:00.000Z',
      repeated: false,
      reason: 'the instance stopped before responding',
    },
  })
  expect(message).not.toContain('s3cret')
})

it('of a call whose body is not known, no more is told than is', () => {
  expect(outcomeUnknown({}).told).toEqual({ repeated: false, reason: expect.any(String) })
})

it.each([
  [true, new Error('ECONNRESET')],
  [true, new RouterError('UPSTREAM_FAILED', { backend: 'b' })],
  [false, new RouterError('NO_HEALTHY_ENDPOINT', { backend: 'b' })],
  [false, new SessionLost('an endpoint')],
  [false, new MalformedMessage('not-json', 'no')],
  [false, Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
])('that a server went away with a request is %s of %s', (is, error) => {
  expect(isBroken(error)).toBe(is)
})

describe('a request that a server went away with', () => {
  const backend = backendOf('files', [])
  // Nothing else is asked where no tool has to be looked up.
  const context = { deps: { catalog: { known: () => ({ find: () => undefined }) } } } as unknown
  const after = (message = append, repeats = 0) =>
    afterBreak(context as Context, {
      ...{ backend, message, repeats, at, requestId: 'r' },
      error: new Error('it broke'),
    })

  it('is sent again where it may run twice, three times at most', async () => {
    const list = messageOf('tools/list')
    expect([await after(list), await after(list, 2)]).toEqual([undefined, undefined])
    expect(await after(list, 3)).toMatchObject({ code: 'UPSTREAM_FAILED' })
  })

  it('is told as unknown where it may not', async () => {
    expect((await after())?.told).toMatchObject({
      tool: 'append',
      requestId: 'r',
      reason: expect.stringContaining('it broke'),
    })
  })
})

it('an answer of the client that a server went away with is sent again, and not for ever', async () => {
  const message = scanMessage(Buffer.from('{"jsonrpc":"2.0","id":7,"result":{}}'))
  const error = new Error('ECONNRESET')
  const backend = backendOf('b', [])
  // Nothing of it is needed for what is no request.
  const after = (repeats: number) =>
    afterBreak({} as Context, { backend, message, at, error, repeats })
  expect(await after(0)).toBeUndefined()
  expect(await after(3)).toMatchObject({ code: 'UPSTREAM_FAILED' })
})
