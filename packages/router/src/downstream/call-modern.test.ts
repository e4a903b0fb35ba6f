import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { ask, begin, canAnswer, jsonOf, modernClient, questionOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const route = '/mcp/router/route/weather'

/** A modern server that starts a stream and never ends it. */
const openEndless = async () => {
  const endpoint = await openModernEndpoint(({ res }) => {
    res.setHeader('content-type', 'text/event-stream')
    res.write('event: message\ndata: {"jsonrpc":"2.0","method":"n"}\n\n')
  })
  const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
  return { endpoint, gateway: await openGateway({ backends }) }
}

describe('a modern body at the address of calls', () => {
  it('is answered as the modern era has it', async () => {
    const endpoint = await openEndpoint()
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const told = await modernClient(gateway.url + route).tool('t')
    expect(told).toMatchObject({ id: 'm-1', result: { resultType: 'complete', name: 't' } })
  })

  it('is held against its headers', async () => {
    const gateway = await openGateway({ backends: [backendOf('weather', [])] })
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const headers = { 'mcp-protocol-version': '2026-07-28' }
    const told = await ask(gateway.url + route, { headers, body })
    expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32602 } }])
  })

  it.each([
    ['a plain call', {}],
    ['one that may be asked', canAnswer],
  ])('has the time that its address gives it: %s', async (_, capabilities) => {
    const endpoint = await openEndpoint(() => undefined)
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const client = modernClient(`${gateway.url}${route}/timeout/1`, { capabilities })
    const told = await client.send('prompts/list')
    expect([told.status, jsonOf(told)]).toMatchObject([504, { id: 'm-1', error: { code: -31504 } }])
    expect(gateway.calls()).toMatchObject([{ status: 504, outcome: 'DEADLINE_PASSED' }])
    // The endpoint is told in one of two ways: that one call, or its whole session, is over.
    const how = () => endpoint.by('notifications/cancelled').length + endpoint.by('DELETE').length
    await expect.poll(how).toBeGreaterThan(0)
  })

  it('that streams is told of its deadline in the stream, and ends upstream', async () => {
    const { endpoint, gateway } = await openEndless()
    const client = modernClient(`${gateway.url}${route}/timeout/1`)
    const events = await client.stream('tools/call', { name: 't' })
    expect(await events.message()).toMatchObject({ method: 'n' })
    const cut = new Promise((resolve) => endpoint.asked[0]?.res.on('close', resolve))
    expect(await events.message()).toMatchObject({ id: 'm-1', error: { code: -31504 } })
    await cut
    expect(gateway.router.calls()).toBe(0)
  })

  it('ends upstream at its deadline though its client does not read', async () => {
    const frame = `event: message\ndata: {"jsonrpc":"2.0","method":"${'n'.repeat(32 * 1024 * 1024)}"}\n\n`
    const endpoint = await openModernEndpoint(({ res }) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write(frame)
    })
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const question = questionOf(1, 'tools/call', { name: 't' }, {})
    const response = await begin(`${gateway.url}${route}/timeout/1`, question)
    await new Promise((resolve) => endpoint.asked[0]?.res.on('close', resolve))
    expect(gateway.calls()).toMatchObject([{ outcome: 'DEADLINE_PASSED' }])
    response.destroy()
  })

  it('whose time is up before it is known where to go, goes nowhere', async () => {
    let release = (): void => undefined
    const ready = new Promise<void>((resolve) => (release = resolve))
    const endpoint = await openModernEndpoint(
      ({ res, message }) => {
        res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }))
      },
      { ready },
    )
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const limited = modernClient(`${gateway.url}${route}/timeout/1`)
    const late = await limited.send('tools/call', { name: 'late' })
    release()
    expect(late.status).toBe(504)
    await modernClient(gateway.url + route).send('tools/call', { name: 'next' })
    expect(endpoint.asked.map(({ headers }) => headers['mcp-name'])).toEqual(['next'])
  })
})
