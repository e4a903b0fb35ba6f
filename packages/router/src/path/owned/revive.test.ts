import { setTimeout as wait } from 'node:timers/promises'
import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize } from '@mcp-router/testkit/client'
import { handshakeOf, openGateway } from '@mcp-router/testkit/router'
import { openSseServer } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const patienceMs = 2_000
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

const open = async () => {
  const server = await openSseServer()
  const gateway = await openGateway({
    backends: [backendOf('old', [sseEndpoint(server.url)])],
    options: { endpointPatienceMs: patienceMs },
  })
  const url = `${gateway.url}/mcp/old`
  const told = await ask(url, { body: aRequest(0, 'initialize', handshakeOf('short')) })
  const headers = { 'mcp-session-id': String(told.headers['mcp-session-id']) }
  const send = async (body: unknown) => {
    const startedAt = performance.now()
    const { status } = await ask(url, { headers, body })
    return { status, ms: performance.now() - startedAt }
  }
  /** From now on each stream of this session ends with its handshake. */
  const shorten = async (): Promise<void> => {
    server.shorten('short')
    server.down()
    server.up()
    const lost = () =>
      gateway.events.filter((each) => each.kind === 'upstream' && each.action === 'lost').length
    await expect.poll(lost).toBe(1)
  }
  return { url, send, shorten }
}

it('a session that never comes back is waited for once, though its server works for others', async () => {
  const { url, send, shorten } = await open()
  await shorten()
  let isOver = false
  const others = async (): Promise<void> => {
    while (!isOver) {
      await initialize(url)
      await wait(50)
    }
  }
  const working = others()
  const { status, ms } = await send(initialized).finally(() => {
    isOver = true
  })
  await working
  expect(status).toBe(503)
  expect(ms).toBeLessThan(1.7 * patienceMs)
}, 30_000)

it('a session whose server ends in the middle of the handshake does not wait for itself', async () => {
  const { send, shorten } = await open()
  await send(initialized)
  expect((await send(aRequest(1, 'logging/setLevel', { level: 'debug' }))).status).toBe(200)
  await shorten()
  expect((await send(aRequest(2, 'ping'))).status).toBe(503)
}, 30_000)
