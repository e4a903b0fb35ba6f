import type { BackendName, CallEvent, EndpointId, RouterEvent } from '@mcp-router/core'
import { expect, it } from 'vitest'
import { notingErrors } from './last-errors.js'

const endpoint = 'weather#1' as EndpointId
const upstream = { kind: 'upstream', backend: 'weather' as BackendName, endpoint } as const
const call: CallEvent = {
  ...{ kind: 'call', downstream: 'http', requestId: 'r', principal: '', backend: 'weather' },
  ...{ endpoint, session: '', method: 'ping', status: 200, outcome: 'ok', durationMs: 1, at: 7 },
}

it('the last error of an endpoint is what it refused with, or what a call of it ended in', () => {
  const passed: RouterEvent[] = []
  const noting = notingErrors({ emit: (event) => passed.push(event) }, () => 5)
  expect(noting.of(endpoint)).toEqual({})
  noting.emit({ ...upstream, action: 'refused', reason: 'connect ECONNREFUSED' })
  expect(noting.of(endpoint)).toEqual({
    lastError: 'connect ECONNREFUSED',
    lastErrorAt: '1970-01-01T00:00:00.005Z',
  })
  noting.emit({ ...call, status: 502, outcome: 'UPSTREAM_FAILED', reason: 'other side closed' })
  noting.emit({ ...upstream, action: 'opened', reason: 'http' })
  noting.emit(call)
  noting.emit({ ...call, status: 404, outcome: 'SESSION_NOT_FOUND', reason: 'no session' })
  expect(noting.of(endpoint)).toMatchObject({ lastError: 'other side closed' })
  expect(passed).toHaveLength(5)
})
