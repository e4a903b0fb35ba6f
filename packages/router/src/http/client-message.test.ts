import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf, questionOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const path = '/mcp/weather'
/** Ids at a shared server are the router's own; a request for that is no cancellation of the sender's. */
const cancelling = aRequest('mine', 'notifications/cancelled', { requestId: 1 })

const open = async () => {
  const endpoint = await openEndpoint()
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  return { endpoint, gateway, url: gateway.url }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Sends it on one of the ways, and resolves with what the client is told. */
const ways: Record<string, (opened: Opened) => Promise<unknown>> = {
  async 'the pooled path'({ url }) {
    return jsonOf(await ask(`${url}/mcp/router/route/weather`, { body: cancelling }))
  },
  async 'a session'({ url }) {
    const { headers } = await initialize(url + path)
    return jsonOf(await ask(url + path, { headers, body: cancelling }))
  },
  async 'a batch'({ gateway, url }) {
    const { headers, session } = await initialize(url + path)
    await gateway.store.sessions.update(session as never, 0, { revision: '2025-03-26' })
    await gateway.router.forget(session as never)
    const body = [aRequest('other', 'ping'), cancelling]
    const told = JSON.parse((await ask(url + path, { headers, body })).text) as { id: string }[]
    expect(told.map(({ id }) => id).sort()).toEqual(['mine', 'other'])
    return told.find(({ id }) => id === 'mine')
  },
  async 'a stream of 2024-11-05'({ url }) {
    const events = await follow(`${url}/sse/weather`)
    const post = new URL(String((await events.next()).data), url).href
    return jsonOf(await ask(post, { body: cancelling }))
  },
  async 'a request of 2026-07-28'({ url }) {
    const question = questionOf('mine', cancelling.method, { ...cancelling.params }, {})
    return jsonOf(await ask(url + path, question))
  },
}

it.each(Object.keys(ways))('a notification with an id is refused: on %s', async (way) => {
  const opened = await open()
  expect(await ways[way]!(opened)).toMatchObject({
    id: 'mine',
    error: { code: -32600, message: expect.stringContaining('a notification has no "id"') },
  })
  expect(opened.endpoint.by('notifications/cancelled')).toEqual([])
})
