import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async () => {
  const endpoint = await openEndpoint(({ res }) => {
    if (res.req.method === 'GET')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const backends = [
    backendOf('weather', [httpEndpoint(endpoint.url)]),
    backendOf('local', [(await openUsual()).endpoint]),
  ]
  const store = openStore()
  return { endpoint, backends, store, gateway: await openGateway({ backends, store }) }
}

const limitMs = 10_000

describe('an instance that drains', () => {
  it('lets what is under way finish', async () => {
    const { endpoint, gateway } = await open()
    const call = ask(`${gateway.url}/mcp/router/route/weather`, { body: aRequest(1, 'slow') })
    const { headers } = await initialize(`${gateway.url}/mcp/weather`)
    const inSession = ask(`${gateway.url}/mcp/weather`, { headers, body: aRequest(2, 'slow') })
    await expect.poll(() => endpoint.by('slow').length).toBe(2)
    let drained = false
    const draining = gateway.router.drain(limitMs).then(() => (drained = true))
    // Enough time goes by for a drain that waits for nothing.
    await initialize(`${gateway.url}/mcp/weather`)
    expect(drained).toBe(false)
    endpoint.by('slow').forEach(echo)
    expect((await call).status).toBe(200)
    expect((await inSession).status).toBe(200)
    await draining
    expect(drained).toBe(true)
  })

  it('waits no longer than it may', async () => {
    const { endpoint, gateway } = await open()
    const call = ask(`${gateway.url}/mcp/router/route/weather`, { body: aRequest(1, 'slow') })
    call.catch(() => undefined)
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    await gateway.router.drain(50)
    expect(gateway.router.calls()).toBe(1)
  })

  it('lets a call finish that came while it kept the stream of a client that is away', async () => {
    const { endpoint, backends, store, gateway } = await open()
    const other = await openGateway({ backends, store, instance: 'router-instance-2' })
    const { headers } = await initialize(`${gateway.url}/mcp/weather`)
    const own = await follow(`${gateway.url}/mcp/weather`, { headers })
    let drained = false
    const draining = gateway.router.drain(limitMs).then(() => (drained = true))
    await expect.poll(() => own.response.complete).toBe(true)
    const call = ask(`${gateway.url}/mcp/weather`, { headers, body: aRequest(1, 'slow') })
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    await follow(`${other.url}/mcp/weather`, { headers })
    await expect.poll(() => endpoint.by('GET')[0]?.res.closed, { timeout: 5_000 }).toBe(true)
    // Enough time goes by for a drain that waits for nothing more.
    for (let n = 0; n < 20; n++) await initialize(`${other.url}/mcp/weather`)
    expect(drained).toBe(false)
    endpoint.by('slow').forEach(echo)
    expect((await call).status).toBe(200)
    await draining
  })

  it('takes no stream of a client that another instance can take', async () => {
    const { endpoint, backends, store, gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/weather`)
    const call = ask(`${gateway.url}/mcp/weather`, { headers, body: aRequest(1, 'slow') })
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    const draining = gateway.router.drain(limitMs)
    const alone = await follow(`${gateway.url}/mcp/weather`, { headers })
    const other = await openGateway({ backends, store, instance: 'router-instance-2' })
    await expect(follow(`${gateway.url}/mcp/weather`, { headers })).rejects.toThrow()
    await follow(`${other.url}/mcp/weather`, { headers })
    endpoint.by('slow').forEach(echo)
    expect((await call).status).toBe(200)
    await draining
    await expect.poll(() => alone.response.complete).toBe(true)
  })

  it('opens no sessions any more, and goes on with those that there are', async () => {
    const { endpoint, gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/weather`)
    const call = ask(`${gateway.url}/mcp/weather`, { headers, body: aRequest(1, 'slow') })
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    const draining = gateway.router.drain(limitMs)
    const { told } = await initialize(`${gateway.url}/mcp/weather`)
    expect([told.status, jsonOf(told)]).toMatchObject([503, { error: { code: -31503 } }])
    expect((await ask(`${gateway.url}/sse/local`)).status).toBe(503)
    endpoint.by('slow').forEach(echo)
    expect((await call).status).toBe(200)
    await draining
  })

  it('ends streams cleanly and does not wait for them', async () => {
    const { gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/weather`)
    const local = await initialize(`${gateway.url}/mcp/local`)
    const streams = [
      await follow(`${gateway.url}/mcp/weather`, { headers }),
      await follow(`${gateway.url}/mcp/local`, { headers: local.headers }),
      await follow(`${gateway.url}/sse/local`),
    ]
    await gateway.router.drain(limitMs)
    await expect
      .poll(() => streams.map(({ response }) => response.complete))
      .toEqual([true, true, true])
  })

  it('leaves its sessions to the others: portable ones as they are, its own to be taken over', async () => {
    const { backends, store, endpoint, gateway } = await open()
    const weather = await initialize(`${gateway.url}/mcp/weather`)
    const local = await initialize(`${gateway.url}/mcp/local`)
    await gateway.router.drain(limitMs)
    expect(endpoint.by('DELETE')).toEqual([])
    await store.membership.leave('router-instance-1' as never)
    const next = await openGateway({ backends, store, instance: 'router-instance-2' })
    const asking = ask(`${next.url}/mcp/weather`, {
      headers: weather.headers,
      body: aRequest(1, 'slow'),
    })
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    endpoint.by('slow').forEach(echo)
    expect((await asking).status).toBe(200)
    const there = `${next.url}/mcp/local`
    const told = await ask(there, { headers: local.headers, body: aRequest(2, 'echo', { n: 2 }) })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 2, result: { n: 2 } }])
  })
})
