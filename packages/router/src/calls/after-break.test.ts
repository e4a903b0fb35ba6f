import { scanMessage } from '@mcp-router/protocol'
import { backendOf } from '@mcp-router/testkit/backend'
import { describe, expect, it } from 'vitest'
import { afterBreak } from './after-break.js'
import type { ToolSources } from './retry-safe.js'

const messageOf = (method: string, params?: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
const append = messageOf('tools/call', { name: 'append' })
const at = Date.parse('2026-07-28T12:00:00Z')

describe('a request that a server went away with', () => {
  const backend = backendOf('files', [])
  // Nothing else is asked where no tool has to be looked up.
  const context = {
    deps: { catalog: { known: () => ({ find: () => undefined }) } },
  } as unknown as ToolSources
  const after = (message = append, repeats = 0) =>
    afterBreak(context, {
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
    afterBreak({} as ToolSources, { backend, message, at, error, repeats })
  expect(await after(0)).toBeUndefined()
  expect(await after(3)).toMatchObject({ code: 'UPSTREAM_FAILED' })
})
