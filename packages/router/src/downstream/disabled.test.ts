import { aRequest, ask, jsonOf } from '@mcp-router/testkit/client'
import type { Question } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { expect, it } from 'vitest'

const ways: readonly (readonly [string, Question])[] = [
  ['/mcp/router/route/off', { body: aRequest(1, 'tools/list') }],
  ['/mcp/off', { body: aRequest(1, 'initialize') }],
  ['/sse/off', {}],
]

it.each(ways)('%s says of a server that is off that it is disabled', async (path, question) => {
  const gateway = await openGateway({
    disabled: ['off'],
    options: { serversFile: '/etc/mcp.yaml' },
  })
  const told = await ask(gateway.url + path, question)
  expect(told.status).toBe(404)
  expect(jsonOf(told)).toMatchObject({
    error: { code: -31404, message: 'Server "off" is disabled in mcp.yaml; known are none' },
  })
})
