import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { exit, openSseServer, openUsual } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

it('every session works once its server is there, however often it was looked for', async () => {
  const server = await openSseServer()
  const gateway = await openGateway({ backends: [backendOf('old', [sseEndpoint(server.url)])] })
  const url = `${gateway.url}/mcp/old`
  const sessions = await Promise.all(Array.from({ length: 10 }, () => initialize(url)))
  const callAll = () =>
    Promise.all(sessions.map(({ headers }) => ask(url, { headers, body: aRequest(1, 'ping') })))
  server.down()
  for (let round = 0; round < 6; round++) await callAll()
  server.up()
  const told = await callAll()
  expect(told.map(({ status }) => status)).toEqual(sessions.map(() => 200))
}, 60_000)

it('a session is served once its server is there, though another that looked for it ended meanwhile', async () => {
  const server = await openSseServer()
  const gateway = await openGateway({
    backends: [backendOf('old', [sseEndpoint(server.url)])],
    options: { endpointPatienceMs: 10_000 },
  })
  const url = `${gateway.url}/mcp/old`
  const sessions = await Promise.all(Array.from({ length: 4 }, () => initialize(url)))
  const call = (n: number) =>
    ask(url, { headers: sessions[n]!.headers, body: aRequest(1, 'ping') }).catch(() => undefined)
  const looked = (times: number) => {
    const seen = server.refused()
    return expect.poll(() => server.refused() - seen, { timeout: 10_000 }).toBeGreaterThan(times)
  }
  server.down()
  const first = call(0)
  await looked(1)
  const second = call(1)
  await looked(1)
  const others = [call(2), call(3)]
  await looked(1)
  await ask(url, { method: 'DELETE', headers: sessions[1]!.headers })
  await looked(2)
  server.up()
  const told = await Promise.all([first, ...others])
  expect(told.map((each) => each?.status)).toEqual([200, 200, 200])
  await second
}, 60_000)

it('a request that may run twice goes to another endpoint where its own ends with it again and again', async () => {
  const revision = '2025-06-18'
  const failing = await openUsual({ revision, on: { 'resources/read': exit } })
  const working = await openUsual({
    revision,
    on: { 'resources/read': ({ reply }) => reply({ from: 'the other' }) },
  })
  const backend = backendOf('local', [failing.endpoint, working.endpoint])
  const gateway = await openGateway({ backends: [backend] })
  const url = `${gateway.url}/mcp/local`
  // Sessions take the endpoints in turn.
  const sessions = [await initialize(url), await initialize(url)]
  const read = aRequest(1, 'resources/read')
  const answers = await Promise.all(
    sessions.map(({ headers }) => ask(url, { headers, body: read })),
  )
  expect(answers.map(jsonOf)).toEqual([
    { jsonrpc: '2.0', id: 1, result: { from: 'the other' } },
    { jsonrpc: '2.0', id: 1, result: { from: 'the other' } },
  ])
})
