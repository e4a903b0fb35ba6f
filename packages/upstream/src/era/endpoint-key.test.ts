import type { Endpoint } from '@mcp-router/core'
import { expect, it } from 'vitest'
import { httpEndpoint, nodeEndpoint, sseEndpoint } from '../testing/backend.js'
import { endpointKey } from './endpoint-key.js'

it('tells apart what may answer otherwise', () => {
  const different: readonly Endpoint[] = [
    httpEndpoint('http://a/mcp'),
    httpEndpoint('http://b/mcp'),
    sseEndpoint('http://a/mcp'),
    httpEndpoint('http://a/mcp', { headers: { authorization: 'Bearer x' } }),
    nodeEndpoint('one'),
    nodeEndpoint('two'),
    nodeEndpoint('one', { command: 'deno' }),
    nodeEndpoint('one', { cwd: '/srv' }),
    nodeEndpoint('one', { env: { MODE: 'a' } }),
    nodeEndpoint('one', { env: { MODE: 'b' } }),
  ]
  expect(new Set(different.map(endpointKey)).size).toBe(different.length)
})

it('is the same wherever it is read, and shows no secret', () => {
  const one = httpEndpoint('http://a/mcp', { headers: { a: '1', b: 'secret' }, weight: 1 })
  const same = httpEndpoint('http://a/mcp', { headers: { b: 'secret', a: '1' }, weight: 2 })
  expect(endpointKey(one)).toBe(endpointKey(same))
  expect(endpointKey(one)).toMatch(/^[0-9a-f]{64}$/)
})
