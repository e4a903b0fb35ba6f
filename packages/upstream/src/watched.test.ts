import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  nodeEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createToolCatalog } from './catalog.js'
import { openStdioUpstream } from './stdio/upstream.js'
import type { Upstream } from './upstream.js'
import { WatchedUpstream } from './watched.js'

/** Answers `tools/list` with one tool per page, as many pages as the cursor says; `initialize` as told. */
const lister = (initialize: string): string => `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    const send = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
    if (method === 'initialize') { ${initialize} }
    if (method !== 'tools/list') return
    const page = Number(params?.cursor ?? 1)
    const tools = [{ name: 'tool-' + page, annotations: { readOnlyHint: true } }]
    send({ tools, ...(page < 2 && { nextCursor: String(page + 1) }) })
  })`

const open = async (
  initialize = '',
  change: Parameters<typeof nodeEndpoint>[1] = {},
  openTimeoutMs = 60_000,
) => {
  const endpoint = nodeEndpoint(lister(initialize), change)
  const backend = backendOf(endpoint)
  const [listener, events] = [createHeard(), createEvents()]
  const catalog = createToolCatalog({ ttlMs: 60_000 })
  const watched = new WatchedUpstream({ backend, listener, catalog, openTimeoutMs })
  const upstream = await watched.open((hearing) =>
    openStdioUpstream({ endpoint, backend, listener: hearing, events, env: {} }),
  )
  onTestFinished(() => upstream.close())
  return { upstream, heard: listener, catalog, backend }
}

describe('the tools that a server lists', () => {
  it('are known once the last page was read', async () => {
    const { upstream, heard, catalog, backend } = await open()
    await upstream.send(aRequest(1, 'tools/list'))
    await heard.next()
    expect(catalog.known(backend)).toBeUndefined()
    upstream.pass(aRequest(2, 'tools/list', { cursor: '2' }), () => undefined)
    await heard.next()
    const tools = catalog.known(backend)
    for (const name of ['tool-1', 'tool-2']) expect(tools?.find(name)?.isRetrySafe).toBe(true)
  })

  it('are not known by a page in the middle', async () => {
    const { upstream, heard, catalog, backend } = await open()
    await upstream.send(aRequest(1, 'tools/list', { cursor: '2' }))
    await heard.next()
    expect(catalog.known(backend)).toBeUndefined()
  })

  it('of which the answer is broken are left to who asked', async () => {
    const broken = `console.log('{"jsonrpc":"2.0","id":1,"result":{"tools":[,]}}')`
    const { upstream, heard, catalog, backend } = await open(broken)
    await upstream.send({ ...aRequest(1, 'initialize'), method: 'tools/list' })
    await vi.waitUntil(() => heard.messages.length === 1, 10_000)
    expect(catalog.known(backend)).toBeUndefined()
  })
})

/** Resolves once the process runs. */
const started = async (upstream: Upstream, heard: ReturnType<typeof createHeard>) => {
  await upstream.send(aRequest(0, 'tools/list'))
  await heard.next()
}

describe('a handshake', () => {
  const initialize = aRequest('i', 'initialize')

  it('that is not answered in time fails, and says what the process said', async () => {
    const { upstream, heard } = await open(
      `console.error('waiting for ' + process.env.TOKEN)`,
      { env: { TOKEN: 'tok-123456' } },
      300,
    )
    await started(upstream, heard)
    await upstream.send(initialize)
    expect(await heard.closed).toMatchObject({
      code: 'OPENING_FAILED',
      data: {
        reason: 'initialize was not answered within 0.3 s, the limit; stderr: waiting for ***',
      },
    })
    expect(heard.closings()).toBe(1)
  })

  it('in which the process ends fails, and says why', async () => {
    const said = `process.stderr.write('Error: no TOKEN\\n', () => process.exit(4))`
    const { upstream, heard } = await open(said)
    await upstream.send(initialize)
    const reason = 'exited with 4; stderr: Error: no TOKEN'
    expect(await heard.closed).toMatchObject({ code: 'OPENING_FAILED', data: { reason } })
  })

  it('that was answered in time has no deadline any more', async () => {
    const { upstream, heard } = await open(
      `send({}); setTimeout(() => process.exit(3), 2_500)`,
      {},
      2_000,
    )
    await started(upstream, heard)
    await upstream.send(initialize)
    expect(await heard.next()).toMatchObject({ id: 'i' })
    expect(await heard.closed).toMatchObject({ code: 'UPSTREAM_FAILED' })
  })
})
