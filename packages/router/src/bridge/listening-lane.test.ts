import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { canAnswer, modernClient } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openCommand, unknownMethod, openSseServer } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** A server that tells only the session in which it happens: `touch` updates `a:1`, `hang` never answers, and heeds no cancellation. */
const openTeller = () => {
  const subscribed = new Set<string>()
  return openCommand({
    capabilities: { resources: { subscribe: true } },
    on: {
      'resources/subscribe'({ params, reply, session }) {
        subscribed.add(`${session.id} ${String(params['uri'])}`)
        reply({})
      },
      'tools/list': ({ reply }) => reply({ tools: [] }),
      'tools/call'({ params, notify, reply, session }) {
        if (params['name'] !== 'touch') return
        if (subscribed.has(`${session.id} a:1`))
          notify('notifications/resources/updated', { uri: 'a:1' })
        reply({ content: [], pid: session.pid })
      },
    },
    otherwise: unknownMethod,
  })
}

const notifications = { resourceSubscriptions: ['a:1'] }
const updated = { method: 'notifications/resources/updated', params: { uri: 'a:1' } }

describe('a modern client that listens', () => {
  it.each([{}, canAnswer])(
    'hears of its calls after one that it gave up and that the server never ends (%o)',
    async (capabilities) => {
      const gateway = await openGateway({
        backends: [backendOf('local', [(await openTeller()).endpoint])],
      })
      const client = modernClient(`${gateway.url}/mcp/local`, { capabilities })
      const events = await client.stream('subscriptions/listen', { notifications })
      expect(await events.message()).toMatchObject({
        method: 'notifications/subscriptions/acknowledged',
      })
      await client.tool('touch')
      expect(await events.message()).toMatchObject(updated)
      const leaving = new AbortController()
      const hanging = client.send('tools/call', { name: 'hang' }, { signal: leaving.signal })
      hanging.catch(() => undefined)
      await expect.poll(() => gateway.router.calls()).toBe(2)
      leaving.abort()
      let heard = false
      const next = events.message().then((message) => {
        heard = true
        return message
      })
      await expect
        .poll(async () => {
          await client.tool('touch')
          return heard
        })
        .toBe(true)
      expect(await next).toMatchObject(updated)
    },
  )

  it('at a server of 2024-11-05 is where its calls are, whatever instance takes them', async () => {
    const server = await openSseServer()
    const backends = [backendOf('old', [sseEndpoint(server.url)])]
    const store = openStore()
    const [one, other] = [
      await openGateway({ backends, store, instance: 'router-instance-1' }),
      await openGateway({ backends, store, instance: 'router-instance-2' }),
    ]
    for (const { url } of [one, other]) {
      const told = await modernClient(`${url}/mcp/old`).send('tools/call', { name: 'x' })
      expect(told.status).toBe(200)
    }
    expect(server.opened()).toBe(1)
  })
})
