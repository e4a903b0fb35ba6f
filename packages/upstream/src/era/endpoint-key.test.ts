import type { Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/upstream'
import { describe, expect, it } from 'vitest'
import { backendKey, createSharedKeys, endpointKey } from './endpoint-key.js'

const id = 'weather#1' as Endpoint['id']
const [alice, bob] = ['ALICE', 'BOB'].map((who) =>
  httpEndpoint('http://a/mcp', { id, headers: { authorization: `Bearer ${who}` } }),
) as [Endpoint, Endpoint]
const different: readonly Endpoint[] = [
  httpEndpoint('http://a/mcp', { id }),
  httpEndpoint('http://b/mcp', { id }),
  sseEndpoint('http://a/mcp', { id }),
  alice,
  bob,
  nodeEndpoint('one', { id }),
  nodeEndpoint('two', { id }),
  nodeEndpoint('one', { id, command: 'deno' }),
  nodeEndpoint('one', { id, cwd: '/srv' }),
  nodeEndpoint('one', { id, env: { MODE: 'a' } }),
  nodeEndpoint('one', { id, env: { MODE: 'b' } }),
  nodeEndpoint('one', { id: 'other#1' as Endpoint['id'] }),
]

describe('the key of an endpoint', () => {
  it.each([
    ['in this process', endpointKey],
    ['in the store', createSharedKeys('secret').key],
  ])('is another one for whatever may be answered otherwise (%s)', (_, keyOf) => {
    expect(new Set(different.map(keyOf)).size).toBe(different.length)
  })

  it('is the same wherever it is read, and only under the same secret', () => {
    const one = httpEndpoint('http://a/mcp', { headers: { a: '1', b: 'secret' }, weight: 1 })
    const same = httpEndpoint('http://a/mcp', { headers: { b: 'secret', a: '1' }, weight: 2 })
    const keys = ['x', 'x', 'y'].map((secret, at) => createSharedKeys(secret).key(at ? same : one))
    expect(keys[0]).toBe(keys[1])
    expect(keys[0]).not.toBe(keys[2])
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(endpointKey(one)).toBe(endpointKey(same))
  })
})

it('the place of an endpoint stays while its headers change', () => {
  const { place } = createSharedKeys('secret')
  expect(place(alice)).toBe(place(bob))
  expect(place(alice)).not.toBe(place(httpEndpoint('http://b/mcp', { id })))
  expect(place(nodeEndpoint('1', { env: { A: '1' } }))).not.toBe(place(nodeEndpoint('1')))
})

it('the key of a backend changes with any of its endpoints', () => {
  const keys = [backendOf(alice), backendOf(bob), backendOf(alice, bob)].map(backendKey)
  expect(new Set(keys).size).toBe(3)
  expect(backendKey(backendOf({ ...alice }))).toBe(keys[0])
})
