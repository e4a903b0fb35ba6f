import type { Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import { describe, expect, it } from 'vitest'
import { createSelector } from './policy/selector.js'
import { isRetrySafe } from './retry-safe.js'
import type { ToolSources } from './retry-safe.js'
import { backendOf, httpEndpoint, nodeEndpoint } from './testing/backend.js'

const call = scanMessage(requestBytes(1, 'tools/call', { name: 'append' }))
const patienceMs = 1_500

/** triesOf counts how often each Endpoint is opened for the list of tools that a lost call needs, where none can be. */
const triesOf = async (...endpoints: Endpoint[]): Promise<number[]> => {
  const tries = endpoints.map(() => 0)
  const pool = {
    find: () => undefined,
    open(_: unknown, endpoint: Endpoint) {
      const at = endpoints.indexOf(endpoint)
      tries[at] = (tries[at] ?? 0) + 1
      return Promise.reject(new RouterError('NO_HEALTHY_ENDPOINT', { backend: 'web' }))
    },
  }
  const catalog = {
    known: () => undefined,
    tools: (_: unknown, list: (cursor: undefined) => Promise<unknown>) => list(undefined),
  }
  const selector = createSelector(patienceMs)
  // All of it that is used here.
  const context = {
    deps: { pool, catalog },
    selector,
    sessions: { all: () => [] },
  } as unknown as ToolSources
  await expect(isRetrySafe(context, backendOf('web', endpoints), call)).rejects.toThrow()
  return tries
}

describe('a server that is down when it is to list its tools', () => {
  it('is started three times where it is a command', async () => {
    expect(await triesOf(nodeEndpoint(''))).toEqual([3])
  })

  it('is started three times where it is a command beside an address', async () => {
    const [command, address] = await triesOf(nodeEndpoint(''), httpEndpoint('http://a'))
    expect(command).toBe(3)
    expect(address).toBeGreaterThan(3)
  })

  it('is asked after longer and longer pauses where it is an address', async () => {
    const [address] = await triesOf(httpEndpoint('http://a'))
    // Twice every 50 ms it would be 60 times.
    expect(address).toBeGreaterThan(3)
    expect(address).toBeLessThan(20)
  })
})
