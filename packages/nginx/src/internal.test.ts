import { ask, openInstances, openSite } from '@mcp-router/testkit/nginx'
import { expect, it } from 'vitest'

const spellings = [
  '/internal',
  '/internal/',
  '/internal/handoff',
  '/internal?x=1',
  '/internal#x',
  '//internal/handoff',
  '/./internal/handoff',
  '/x/../internal/handoff',
  '/x/%2e%2e/internal/handoff',
  '/x/..%2finternal/handoff',
  '/%69nternal/handoff',
  '/%2finternal/handoff',
  '/%2e/internal/handoff',
  '/internal%2fhandoff',
  '/INTERNAL/handoff',
  '/sse/../internal/handoff',
  '/\\internal/handoff',
  '/x/..\\internal/handoff',
  '/x/..%5cinternal/handoff',
  'http://localhost/internal/handoff',
  'http://localhost//%69nternal/handoff',
]
const prefixed = spellings
  .filter((path) => path.startsWith('/'))
  .flatMap((path) => [`/mcp-bridge${path}`, `/mcp-bridge/mcp-bridge${path}`])
const climbing = ['/mcp-bridge/../internal/x', '/mcp-bridge/sse/../../internal/x']

it('answers 404 to every spelling of an internal path, and no instance sees it', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  for (const path of [...spellings, ...prefixed, ...climbing]) {
    const { status, headers, body } = await ask(port, path, { method: 'POST', body: '{}' })
    expect({ path, status }).toEqual({ path, status: 404 })
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -31404 } })
  }
  expect(one!.arrived).toEqual([])
})

it.each([
  ['/mcp/internal', '/mcp/internal'],
  ['/internals', '/internals'],
  // Decoded once more it is still no internal path.
  ['/%2569nternal/x', '/%2569nternal/x'],
  ['/mcp-bridge/%252e%252e/internal/x', '/%252e%252e/internal/x'],
  // The instance gets the path that was matched, not the client's spelling of it.
  ['//x/../mcp//weather', '/mcp/weather'],
  ['/mcp/%77eather', '/mcp/weather'],
])('passes %s as %s', async (path, url) => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  expect((await ask(port, path)).status).toBe(200)
  expect(one!.arrived[0]!.url).toBe(url)
})
