import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { backendOf, httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/backend'
import { describe, expect, it } from 'vitest'
import { createSelector } from '../policy/selector.js'
import { isRetrySafe } from './retry-safe.js'
import type { ToolSources } from './retry-safe.js'

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

/** The tools of a result, all of which may run twice. */
const toolList = () => ({ find: () => ({ declarations: [], wraps: false, isRetrySafe: true }) })

describe('a call that was lost while its tools were being listed', () => {
  it('may run twice where another endpoint lists it so, though the list under way was lost too', async () => {
    const backend = backendOf('web', [httpEndpoint('http://a')])
    const tools = [{ name: 'append', annotations: { idempotentHint: true } }]
    const answer = JSON.stringify({ jsonrpc: '2.0', id: 0, result: { tools } })
    const exchange = {
      request(_: Message, { onAnswer }: { readonly onAnswer: (bytes: Buffer) => void }) {
        onAnswer(Buffer.from(answer))
        return { id: '0' }
      },
    }
    let lose: (error: Error) => void = () => undefined
    const lost = new Promise<never>((_, reject) => (lose = reject))
    let isLost = false
    // A list under way is shared, and its failure too.
    const catalog = {
      known: () => undefined,
      tools: (_: Backend, list: (cursor: undefined) => Promise<unknown>) =>
        isLost ? list(undefined).then(toolList) : lost,
    }
    const context = {
      deps: { pool: { find: () => ({ exchange }) }, catalog },
      selector: createSelector(patienceMs),
      sessions: { all: () => [] },
    } as unknown as ToolSources
    const isSafe = isRetrySafe(context, backend, call)
    isLost = true
    lose(new Error('the connection was lost'))
    expect(await isSafe).toBe(true)
  })
})

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
