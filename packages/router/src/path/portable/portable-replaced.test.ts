import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'

/** watchThrown is what would have ended the Instance. */
const watchThrown = (): unknown[] => {
  const thrown: unknown[] = []
  const onThrown = (error: unknown): void => void thrown.push(error)
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, onThrown)
  onTestFinished(() => {
    for (const event of ['uncaughtException', 'unhandledRejection']) process.off(event, onThrown)
  })
  return thrown
}

/** A call under way at an http server that does not answer, and a command that takes its place. */
const openReplaced = async (deadlineMs?: number) => {
  const thrown = watchThrown()
  const endpoint = await openEndpoint((asked) => {
    if (asked.message.method !== 'ping') echo(asked)
  })
  const gateway = await openGateway({
    backends: [backendOf('web', [httpEndpoint(endpoint.url)], deadlineMs)],
  })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  const calling = ask(url, { headers, body: aRequest(1, 'ping') })
  await expect.poll(() => endpoint.by('ping')).toHaveLength(1)
  gateway.publish(backendOf('web', [(await openUsual()).endpoint], deadlineMs))
  return { thrown, endpoint, url, headers, calling }
}

describe('a call under way at an http server whose place a command takes', () => {
  it('ends at its deadline', async () => {
    const { thrown, calling } = await openReplaced(300)
    expect(jsonOf(await calling)).toMatchObject({ id: 1, error: { code: -31504 } })
    expect(thrown).toEqual([])
  })

  it('ends where the http server goes before its session was brought to the command', async () => {
    const { thrown, endpoint, calling } = await openReplaced()
    await endpoint.shut()
    expect(jsonOf(await calling)).toMatchObject({ id: 1, error: { code: -31503 } })
    expect(thrown).toEqual([])
  })

  it('ends where the http server goes after its session was brought to the command', async () => {
    const { thrown, endpoint, url, headers, calling } = await openReplaced()
    const next = await ask(url, { headers, body: aRequest(2, 'echo', { n: 2 }) })
    expect(jsonOf(next)).toMatchObject({ id: 2, result: { n: 2 } })
    await endpoint.shut()
    expect(jsonOf(await calling)).toMatchObject({ id: 1, error: { code: -31503 } })
    expect(thrown).toEqual([])
  })
})

it('a call that waits for its server’s stream ends where a command takes the place of that', async () => {
  const thrown = watchThrown()
  const endpoint = await openEndpoint(({ res }) => void res.writeHead(409).end())
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const { headers } = await initialize(`${b.url}/mcp/web`)
  await a.router.drain(0)
  const calling = ask(`${b.url}/mcp/web`, { headers, body: aRequest(1, 'ping') })
  await expect.poll(() => endpoint.by('GET').length).toBeGreaterThan(0)
  b.publish(backendOf('web', [(await openUsual()).endpoint]))
  expect(jsonOf(await calling)).toMatchObject({ id: 1, error: { code: -31503 } })
  expect(thrown).toEqual([])
})
