import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, jsonOf } from '@mcp-router/testkit/client'
import type { Question } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { maybeStreamable } from '@mcp-router/upstream'
import { expect, it } from 'vitest'

const params = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'c', version: '1' },
}
const ways: readonly (readonly [string, string, Question])[] = [
  ['a call', '/mcp/router/route/web', { body: aRequest(1, 'tools/call', { name: 't' }) }],
  ['initialize', '/mcp/web', { body: aRequest(1, 'initialize', params) }],
  ['a stream', '/sse/web', {}],
]

it.each(ways)(
  '%s of a Streamable HTTP server whose transport is said to be sse is told so at once',
  async (_, path, question) => {
    const { url } = await openEndpoint(({ res }) => void res.writeHead(400).end(), {
      knowsAll: true,
    })
    const gateway = await openGateway({
      backends: [backendOf('web', [sseEndpoint(url)])],
      options: { endpointPatienceMs: 60_000 },
    })
    const told = await ask(gateway.url + path, question)
    expect(told).toMatchObject({ status: 502 })
    expect(jsonOf(told)).toMatchObject({
      error: { message: expect.stringContaining(maybeStreamable) as string },
    })
  },
)
