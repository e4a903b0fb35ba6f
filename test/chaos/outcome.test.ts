import { describe, expect, it } from 'vitest'
import type { Call } from './call.js'
import { outcomeOf } from './outcome.js'

const call = (tool: Call['tool']): Call => ({ id: 'one', tool, delayMs: 0, steps: 0 })
const coded = (code: number | string, message: string): Error =>
  Object.assign(new Error(message), { code })
const unknown = 'MCP error -31502: it stopped; the call may have run'

describe('an error that a call ended in', () => {
  it('is told unknown where the call may not be repeated', () => {
    expect(outcomeOf(call('append'), coded(-31502, unknown)).kind).toBe('told unknown')
    const told = 'MCP error -31001: Outcome unknown: the request was sent'
    expect(outcomeOf(call('ask'), coded(-31001, told)).kind).toBe('told unknown')
  })

  it('is told unknown also where it comes as the text of an HTTP error', () => {
    const text = '{"error":{"code":-31502,"message":"the call may have run"}}'
    expect(outcomeOf(call('append'), new Error(text)).kind).toBe('told unknown')
  })

  it('is a failure where the call may be repeated', () => {
    expect(outcomeOf(call('read'), coded(-31502, unknown))).toMatchObject({
      kind: 'failed',
      text: expect.stringContaining('may be repeated'),
    })
  })

  it('is a failure where it only has the code, or only the text', () => {
    const bad = coded(-31502, 'Server "x" returned an invalid MCP response')
    expect(outcomeOf(call('append'), bad).kind).toBe('failed')
    expect(outcomeOf(call('append'), new Error('the call may have run')).kind).toBe('failed')
  })

  it.each([
    coded(404, 'Streamable HTTP error'),
    coded(-32001, 'Session not found: it ended'),
    new Error('Error POSTing to endpoint (HTTP 404): gone'),
  ])('is the loss of a session: %s', (error) => {
    expect(outcomeOf(call('append'), error)).toMatchObject({ kind: 'failed', lost: true })
  })

  it('is told with its causes', () => {
    const cause = coded('ECONNRESET', 'read ECONNRESET')
    expect(outcomeOf(call('read'), new TypeError('fetch failed', { cause }))).toMatchObject({
      text: 'fetch failed: read ECONNRESET (ECONNRESET)',
    })
  })
})
