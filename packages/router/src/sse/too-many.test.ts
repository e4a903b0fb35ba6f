import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { expect, it } from 'vitest'
import { maxPending } from './pending.js'

/** Hangs at all calls; `initialize` is answered. */
const hanging = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    const result = { protocolVersion: '2024-11-05', capabilities: {} }
    if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })`

it('a client of 2024-11-05 that has too many calls unanswered is refused the next, and keeps its session', async () => {
  // None of them may pass its deadline meanwhile.
  const backends = [backendOf('local', [nodeEndpoint(hanging)], 300_000)]
  const gateway = await openGateway({ backends })
  const events = await follow(`${gateway.url}/sse/local`)
  const address = new URL((await events.next()).data.toString(), gateway.url).href
  const send = (id: number, name: string) => ask(address, { body: aRequest(id, name) })
  await send(0, 'initialize')
  expect(await events.message()).toMatchObject({ id: 0 })
  for (let from = 1; from <= maxPending; from += 50) {
    const some = await Promise.all(Array.from({ length: 50 }, (_, n) => send(from + n, 'hang')))
    expect(new Set(some.map(({ status }) => status))).toEqual(new Set([202]))
  }
  const refused = await send(maxPending + 1, 'hang')
  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('limit is 1000')])
  const told = { jsonrpc: '2.0', method: 'notifications/said' }
  expect((await ask(address, { body: told })).status).toBe(202)
})
