import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import { RouterError } from '@mcp-router/core'
import { SessionLost } from '@mcp-router/upstream'
import { expect, it } from 'vitest'
import { isBroken, outcomeUnknown } from './outcome.js'

const messageOf = (method: string, params?: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
const append = messageOf('tools/call', { name: 'append', arguments: { secret: 's3cret' } })
const at = Date.parse('2026-07-28T12:00:00Z')

it('what is told of a call names it, when it was sent, and none of its arguments', () => {
  const { code, rpc, status, publicData, message } = outcomeUnknown({
    message: append,
    requestId: 'r',
    at,
  })
  expect({ code, rpc, status, publicData }).toEqual({
    code: 'OUTCOME_UNKNOWN',
    rpc: -31001,
    status: 200,
    publicData: {
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
  expect(outcomeUnknown({}).publicData).toEqual({ repeated: false, reason: expect.any(String) })
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
