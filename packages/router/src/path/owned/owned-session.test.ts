import type { Endpoint } from '@mcp-router/core'
import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { hang, openCommand, openSseServer } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** `hang` is never answered; `say` sends progress, and is never answered either. */
const openSaying = () =>
  openCommand({
    revision: '2025-03-26',
    on: {
      hang,
      say({ params, notify }) {
        const { progressToken } = params['_meta'] as { progressToken: unknown }
        notify('notifications/progress', { progressToken, progress: 1 })
      },
    },
  })

const servers: Record<string, () => Promise<Endpoint>> = {
  'a command': async () => (await openSaying()).endpoint,
  'an HTTP+SSE server': async () => sseEndpoint((await openSseServer()).url),
}

const open = async (server: string) => {
  const backends = [backendOf('local', [await servers[server]!()])]
  const store = openStore()
  const gateway = await openGateway({ backends, store })
  const url = `${gateway.url}/mcp/local`
  const { headers, session } = await initialize(url)
  const underway = async (count = 1) => {
    await expect.poll(() => gateway.router.calls()).toBe(count)
  }
  return { backends, store, gateway, url, headers, session: session as never, underway }
}

const ended = {
  id: 'mine',
  error: { code: -31001, message: expect.stringContaining('its client ended the session') },
}
const hanging = aRequest('mine', 'hang')

describe.each(Object.keys(servers))('a client that ends its session at %s', (server) => {
  it('is told so of the call under way', async () => {
    const { url, headers, underway } = await open(server)
    const call = ask(url, { headers, body: hanging })
    await underway()
    expect((await ask(url, { method: 'DELETE', headers })).status).toBe(200)
    expect(JSON.parse((await call).text)).toMatchObject(ended)
  })

  it('at another instance is told so, too', async () => {
    const { backends, store, gateway, url, headers, session, underway } = await open(server)
    const other = await openGateway({ backends, store, instance: 'router-instance-2' })
    const call = ask(url, { headers, body: hanging })
    await underway()
    await ask(`${other.url}/mcp/local`, { method: 'DELETE', headers })
    expect(other.ended).toEqual([session])
    await gateway.router.forget(session, true)
    expect(JSON.parse((await call).text)).toMatchObject(ended)
  })

  it('is told so of the members of a batch', async () => {
    const { url, headers, underway } = await open(server)
    const call = ask(url, { headers, body: [aRequest(1, 'ping'), hanging] })
    await underway()
    await ask(url, { method: 'DELETE', headers })
    expect(JSON.parse((await call).text)).toMatchObject([{ id: 1 }, ended])
  })

  it('is told so while its instance drains', async () => {
    const { gateway, url, headers, session, underway } = await open(server)
    const call = ask(url, { headers, body: hanging })
    await underway()
    const drained = gateway.router.drain(1_000)
    await gateway.router.forget(session, true)
    expect(JSON.parse((await call).text)).toMatchObject(ended)
    await drained
  })
})

it('a stream that has begun ends with that error', async () => {
  const { url, headers } = await open('a command')
  const body = aRequest('mine', 'say', { _meta: { progressToken: 1 } })
  const events = await follow(url, { headers: { ...headers, accept: '*/*' }, body })
  expect(await events.message()).toMatchObject({ method: 'notifications/progress' })
  await ask(url, { method: 'DELETE', headers })
  expect(await events.message()).toMatchObject(ended)
  await expect.poll(() => events.response.complete).toBe(true)
})
