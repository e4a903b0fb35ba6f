import { backendOf } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { arrayIn, openGateway, streamAt } from '@mcp-router/testkit/router'
import { openUsual } from '@mcp-router/testkit/server'
import type { Step } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

/** Its server ends when it is asked to `read` or `append`: each time or, where that was to be `once`, the first time. */
const open = async (revision = '2025-06-18') => {
  let hasRun = false
  const runs: Step = ({ params, reply, session }) => {
    if (hasRun) {
      reply({ pid: session.pid })
      return
    }
    hasRun = params['once'] === true
    session.exit(3)
  }
  const { endpoint } = await openUsual({ revision, on: { 'resources/read': runs, append: runs } })
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  return { gateway, hasRun: () => hasRun }
}

const read = (params: object = { once: true }) => aRequest(1, 'resources/read', params)
const append = aRequest(1, 'append', { once: true })
const unknown = {
  id: 1,
  error: { code: -31001, data: { method: 'append', repeated: false } },
}

describe.concurrent('a request that its server went away with', () => {
  it('is answered by the next one, where it may run twice', async () => {
    const { gateway } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: read() })
    expect(jsonOf(told)).toMatchObject({ id: 1, result: { pid: expect.any(Number) } })
  })

  it('is told as unknown, where it may not, and the session goes on', async () => {
    const { gateway, hasRun } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    expect(jsonOf(await ask(url, { headers, body: append }))).toMatchObject(unknown)
    expect(hasRun()).toBe(true)
    expect(jsonOf(await ask(url, { headers, body: append }))).toHaveProperty('result')
  })

  it('is given up where each server goes away with it', async () => {
    const { gateway } = await open()
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: read({}) })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { id: 1, error: { code: -31502 } }])
  })

  it('is seen to likewise where its answer comes on a stream', async () => {
    const { gateway } = await open()
    const { events, send } = await streamAt(gateway)
    await send(aRequest(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {} }))
    await events.message()
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect((await send(read())).status).toBe(202)
    expect(await events.message()).toMatchObject({ id: 1, result: { pid: expect.any(Number) } })
  })

  it('… and told as unknown there', async () => {
    const { gateway } = await open()
    const { events, send } = await streamAt(gateway)
    await send(aRequest(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {} }))
    await events.message()
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect((await send(append)).status).toBe(202)
    expect(await events.message()).toMatchObject(unknown)
  })
})

describe.concurrent('a request of a batch that its server went away with', () => {
  const openBatches = async () => {
    const { gateway, hasRun } = await open('2025-03-26')
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const send = (...body: unknown[]) => ask(url, { headers, body })
    return { gateway, hasRun, send }
  }

  it('is answered by the next one, where it may run twice, as are the others', async () => {
    const { send } = await openBatches()
    const listed = { ...aRequest(2, 'tools/list'), params: { n: 2 } }
    expect(arrayIn(await send(read(), listed))).toMatchObject([
      { id: 1, result: { pid: expect.any(Number) } },
      { id: 2, result: { n: 2 } },
    ])
  })

  it('is told as unknown, where it may not, and the session goes on', async () => {
    const { hasRun, send } = await openBatches()
    const sent = { requestId: expect.any(String), sentAt: expect.any(String) }
    const { error } = unknown
    expect(arrayIn(await send(append))).toMatchObject([
      { id: 1, error: { ...error, data: { ...error.data, ...sent } } },
    ])
    expect(hasRun()).toBe(true)
    expect(arrayIn(await send(append))).toMatchObject([{ id: 1, result: {} }])
  })

  it('is given up where each server goes away with it', async () => {
    const { gateway, send } = await openBatches()
    expect(arrayIn(await send(read({})))).toMatchObject([{ id: 1, error: { code: -31502 } }])
    expect(gateway.router.calls()).toBe(0)
  })
})
