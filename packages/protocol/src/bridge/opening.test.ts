import { InitializeResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { discoverFault, discoverResult, initializeResult } from './opening.js'

const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
const tasks = 'io.modelcontextprotocol/tasks'
const serverInfo = { name: 's', version: '1', title: 'S', icons: [] }
const cache = { ttlMs: 5_000, cacheScope: 'private' } as const

const discovered = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: { listChanged: true }, extensions: { [tasks]: {} } },
  instructions: 'be kind',
  ttlMs: 0,
  cacheScope: 'public',
  _meta: { [serverInfoKey]: serverInfo },
}

describe('initializeResult', () => {
  it('says at initialize what the server says in discover', () => {
    const result = initializeResult(discovered, '2025-06-18', 'backend')
    expect(result).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: { tools: { listChanged: true } },
      serverInfo,
      instructions: 'be kind',
    })
    expect(InitializeResultSchema.parse(result)).toBeDefined()
  })

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('agrees to %s', (revision) => {
    expect(initializeResult(discovered, revision, 'b').protocolVersion).toBe(revision)
  })

  it.each([['2026-07-28'], ['1999-01-01'], [undefined], [20250618]])(
    'offers the latest revision with sessions for %j',
    (requested) => {
      expect(initializeResult(discovered, requested, 'b').protocolVersion).toBe('2025-11-25')
    },
  )

  it.each([[undefined], [{ name: 's' }], ['s']])(
    'names the server itself where it does not say who it is: %j',
    (said) => {
      const result = initializeResult({ ...discovered, _meta: { [serverInfoKey]: said } }, '', 'b')
      expect(result.serverInfo).toEqual({ name: 'b', version: 'unknown' })
      expect(result).not.toHaveProperty('_meta')
    },
  )

  it('keeps members that nobody knows, and an object of capabilities in any case', () => {
    const result = initializeResult({ x: 1, _meta: { 'example.com/y': 2 } }, '', 'b')
    expect(result).toMatchObject({ x: 1, _meta: { 'example.com/y': 2 }, capabilities: {} })
  })
})

it.each([
  [{}, 'an answer to server/discover without supportedVersions'],
  [
    { supportedVersions: '2026-07-28' },
    'an answer to server/discover with another thing than a list for supportedVersions',
  ],
  [{ supportedVersions: [] }, undefined],
])('discoverFault says what is wrong with %j', (said, fault) => {
  expect(discoverFault(said)).toBe(fault)
})

describe('discoverResult', () => {
  it('says in discover what the server said at initialize', () => {
    const initialized = {
      protocolVersion: '2025-03-26',
      capabilities: { tools: {}, logging: {}, tasks: { list: {} } },
      serverInfo,
      instructions: 'be kind',
    }
    expect(discoverResult(initialized, cache)).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {}, logging: {} },
      instructions: 'be kind',
      ttlMs: 5_000,
      cacheScope: 'private',
      _meta: { [serverInfoKey]: serverInfo },
    })
  })

  it('says nothing of a server that did not say who it is', () => {
    expect(discoverResult({ capabilities: {}, serverInfo: {} }, cache)).not.toHaveProperty('_meta')
  })

  it('keeps members that nobody knows', () => {
    const _meta = { 'example.com/y': 2 }
    const result = discoverResult({ capabilities: {}, serverInfo, x: 1, _meta }, cache)
    expect(result).toMatchObject({ x: 1, _meta: { ..._meta, [serverInfoKey]: serverInfo } })
  })

  it('is read back by initializeResult', () => {
    const initialized = { protocolVersion: '2025-06-18', capabilities: { prompts: {} }, serverInfo }
    const there = discoverResult(initialized, cache)
    expect(initializeResult(there, '2025-06-18', 'b')).toEqual(initialized)
  })
})
