import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask } from '@mcp-router/testkit/client'
import { begin, openGateway, openStore, returnTo, revision } from '@mcp-router/testkit/router'
import { asked, openAsideAsker } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** A client of 2024-11-05 at an http server that asks outside of calls, and a second Instance. */
const open = async (noticesAfterMs = 0) => {
  const servers = [await openAsideAsker({ noticesAfterMs }), await openAsideAsker()]
  const backends = [
    backendOf(
      'web',
      servers.map(({ endpoint }) => httpEndpoint(endpoint.url)),
    ),
  ]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const client = await begin(a, { backend: 'web' })
  await expect.poll(() => servers.some(({ isHeld }) => isHeld())).toBe(true)
  const at = servers.find(({ isHeld }) => isHeld())
  const other = servers.find((each) => each !== at)
  if (!at || !other) throw new Error('there is no server')
  return { a, b, client, at, other }
}

describe('a server that asks in the first call after a session', () => {
  it('was taken over, and notices late that the stream of before has ended', async () => {
    const { a, b, client, at } = await open(200)
    await a.router.drain(0)
    const url = `${b.url}/mcp/web/message?sessionId=${client.id}`
    const before = { send: (body: unknown) => ask(url, { headers: revision, body }) }
    const next = await returnTo(b, before, {}, 'web')
    await next.send(aRequest(1, 'ask'), revision)
    expect(await next.events.message()).toEqual(asked('q-1'))
    at.answer(1)
    expect(await next.events.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('moved to it is heard', async () => {
    const { client, at, other } = await open()
    await at.endpoint.shut()
    await client.send(aRequest(1, 'ask'), revision)
    expect(await client.events.message()).toEqual(asked('q-1'))
    other.answer(1)
    expect(await client.events.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })
})
