import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { begin, openGateway, stdioOf } from '@mcp-router/testkit/router'
import { openModernEndpoint, openUsual } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const cancel = (requestId: unknown) => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
})
const cancelled = (id: unknown) => ({ id, error: { code: -31499 } })

it('a cancelled call at a command is over at once, and its id is free', async () => {
  const gateway = await openGateway({
    backends: [backendOf('local', [(await openUsual()).endpoint])],
  })
  const url = `${gateway.url}/mcp/local`
  const { headers } = await initialize(url)
  for (const id of [1, 'a']) {
    const hanging = ask(url, { headers, body: aRequest(id, 'hang') })
    await expect.poll(() => gateway.router.calls()).toBe(1)
    expect((await ask(url, { headers, body: cancel(id) })).status).toBe(202)
    expect(jsonOf(await hanging)).toMatchObject(cancelled(id))
    expect(jsonOf(await ask(url, { headers, body: aRequest(id, 'echo') }))).toMatchObject({ id })
  }
})

it('a cancelled call at a modern server is over at once, and given up there', async () => {
  const { url: at, asked } = await openModernEndpoint(({ res, message }) => {
    if (message.method !== 'tools/list') return
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { tools: [] } }))
  })
  const backend = { ...backendOf('web', [httpEndpoint(at)]), era: 'modern' as const }
  const gateway = await openGateway({ backends: [backend] })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  const hanging = ask(url, { headers, body: aRequest(1, 'tools/call', { name: 't' }) })
  const call = () => asked.find(({ message }) => message.method === 'tools/call')
  await expect.poll(call).toBeDefined()
  const given = new Promise((resolve) => call()?.res.once('close', resolve))
  await ask(url, { headers, body: cancel(1) })
  expect(jsonOf(await hanging)).toMatchObject(cancelled(1))
  await given
})

it('a cancelled call whose answer has become a stream ends it', async () => {
  const gateway = await openGateway({ backends: [await stdioOf('2025-11-25')] })
  const url = `${gateway.url}/mcp/local`
  const { headers } = await initialize(url)
  const events = await follow(url, {
    headers: { ...headers, accept: '*/*' },
    body: aRequest(1, 'hang'),
  })
  expect((await events.next()).data).toHaveLength(0)
  await ask(url, { headers, body: cancel(1) })
  expect(await events.message()).toMatchObject(cancelled(1))
  await expect.poll(() => events.response.complete).toBe(true)
})

it('a cancelled member of a batch is answered, and the others as they come', async () => {
  const gateway = await openGateway({ backends: [await stdioOf()] })
  const url = `${gateway.url}/mcp/local`
  const { headers } = await initialize(url)
  const told = ask(url, { headers, body: [aRequest(1, 'hang'), aRequest(2, 'echo')] })
  await expect.poll(() => gateway.router.calls()).toBe(1)
  await ask(url, { headers, body: cancel(1) })
  const answers = jsonOf(await told) as unknown as { id: unknown }[]
  expect(answers.toSorted((a, b) => Number(a.id) - Number(b.id))).toMatchObject([
    cancelled(1),
    { id: 2, result: {} },
  ])
})

it('a cancelled call of a client of 2024-11-05 is over at once, and its id is free', async () => {
  const gateway = await openGateway({
    backends: [backendOf('local', [(await openUsual()).endpoint])],
  })
  const { events, send } = await begin(gateway)
  await send(aRequest(1, 'hang'))
  await send(cancel(1))
  expect(await events.message()).toMatchObject(cancelled(1))
  await send(aRequest(1, 'echo', { again: true }))
  expect(await events.message()).toMatchObject({ id: 1, result: { again: true } })
})
