import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint, respond } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

it('a request that may run twice goes to another endpoint where its own goes again and again, and forgets the session each time', async () => {
  const failing = await openEndpoint((asked) => {
    asked.res.destroy()
    failing.forget()
  })
  const working = await openEndpoint((asked) => respond(asked, { from: 'the other' }))
  const backend = backendOf('web', [httpEndpoint(failing.url), httpEndpoint(working.url)])
  const url = `${(await openGateway({ backends: [backend] })).url}/mcp/web`
  // Sessions take the endpoints in turn.
  const sessions = [await initialize(url), await initialize(url)]
  const body = aRequest(1, 'resources/read')
  const answers = await Promise.all(sessions.map(({ headers }) => ask(url, { headers, body })))
  const answer = { jsonrpc: '2.0', id: 1, result: { from: 'the other' } }
  expect(answers.map(jsonOf)).toEqual([answer, answer])
})
