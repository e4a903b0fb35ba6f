import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, jsonOf, modernClient } from '@mcp-router/testkit/client'
import type { Question } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openCommand } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const gone = { ...nodeEndpoint(''), id: 'local#1' as never, command: '/nowhere/bin/gone-mcp' }
const params = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'c', version: '1' },
}

const ways: readonly (readonly [string, string, Question])[] = [
  ['a call', '/mcp/router/route/local', { body: aRequest(1, 'tools/call', { name: 't' }) }],
  ['initialize', '/mcp/local', { body: aRequest(1, 'initialize', params) }],
  ['a stream', '/sse/local', {}],
]

it.each(ways)(
  '%s of a command that is not found is told so at once, and not to retry',
  async (_, path, question) => {
    const gateway = await openGateway({
      backends: [backendOf('local', [gone])],
      options: { endpointPatienceMs: 60_000 },
    })
    const told = await ask(gateway.url + path, question)
    expect(told).toMatchObject({ status: 502 })
    expect(told.headers).not.toHaveProperty('retry-after')
    expect(jsonOf(told)).toMatchObject({
      error: { message: expect.stringContaining('command "gone-mcp" is not installed') as string },
    })
    expect(JSON.stringify([told.text, gateway.events])).not.toContain('/nowhere')
  },
)

it('so is a call of a client without sessions', async () => {
  const gateway = await openGateway({
    backends: [backendOf('local', [gone])],
    options: { endpointPatienceMs: 60_000 },
  })
  const told = await modernClient(`${gateway.url}/mcp/local`).send('tools/list')
  expect([told.status, told.text]).toEqual([502, expect.stringContaining('gone-mcp')])
})

it('another endpoint of the server is used instead', async () => {
  const there = { ...(await openCommand()).endpoint, id: 'local#2' as never }
  const gateway = await openGateway({ backends: [backendOf('local', [gone, there])] })
  for (const n of [1, 2]) {
    const body = aRequest(n, 'tools/list')
    const told = await ask(`${gateway.url}/mcp/router/route/local`, { body })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: n, result: {} })
  }
})
