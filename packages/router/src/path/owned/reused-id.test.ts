import { setTimeout as wait } from 'node:timers/promises'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { begin, openGateway } from '@mcp-router/testkit/router'
import { openCommand, openEndpoint } from '@mcp-router/testkit/server'
import type { ServerCall } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** Answers `slow` when it is sent `go`, whatever was cancelled; the rest at once. */
const openSlow = () => {
  const waiting: ServerCall[] = []
  return openCommand({
    on: {
      slow: (call) => waiting.push(call),
      'notifications/go': () => {
        for (const call of waiting.splice(0)) call.reply(call.params)
      },
    },
  })
}

const notice = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params })
const cancel = (requestId: unknown) => notice('notifications/cancelled', { requestId })

describe('the id of a call that was given up', () => {
  it.each(['cancelled', 'out of time'])('is that of the next call only (%s)', async (how) => {
    const backend = backendOf('local', [(await openSlow()).endpoint])
    const isLate = how === 'out of time'
    const backends = [{ ...backend, ...(isLate && { deadlineMs: 300 }) }]
    const gateway = await openGateway({ backends })
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const first = ask(url, { headers, body: aRequest(9, 'slow', { n: 1 }) })
    await expect.poll(() => gateway.router.calls()).toBe(1)
    if (!isLate) await ask(url, { headers, body: cancel(9) })
    expect(jsonOf(await first)).toMatchObject({ id: 9, error: { code: isLate ? -31504 : -31499 } })
    const second = ask(url, { headers, body: aRequest(9, 'slow', { n: 2 }) })
    await expect.poll(() => gateway.router.calls()).toBe(1)
    await ask(url, { headers, body: notice('notifications/go') })
    expect(jsonOf(await second)).toMatchObject({ id: 9, result: { n: 2 } })
  })

  it('is so on the stream of a client of 2024-11-05', async () => {
    const gateway = await openGateway({
      backends: [backendOf('local', [(await openSlow()).endpoint])],
    })
    const client = await begin(gateway)
    await client.send(aRequest(9, 'slow', { n: 1 }))
    await client.send(cancel(9))
    expect(await client.events.message()).toMatchObject({ id: 9, error: { code: -31499 } })
    await client.send(aRequest(9, 'slow', { n: 2 }))
    await client.send(notice('notifications/go'))
    expect(await client.events.message()).toMatchObject({ id: 9, result: { n: 2 } })
    await client.send(aRequest(10, 'echo'))
    expect(await client.events.message()).toMatchObject({ id: 10 })
  })

  it('is so in front of a Streamable HTTP server', async () => {
    const held: (() => void)[] = []
    const endpoint = await openEndpoint(({ res, message }) => {
      if (res.req.method === 'GET') {
        res.writeHead(405).end()
        return
      }
      const answer = () => {
        res.writeHead(200, { 'content-type': 'application/json' })
        res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: message.params }))
      }
      if (message.method === 'slow') held.push(answer)
      else answer()
    })
    const gateway = await openGateway({
      backends: [backendOf('local', [httpEndpoint(endpoint.url)])],
    })
    const client = await begin(gateway)
    await client.send(aRequest(9, 'slow', { n: 1 }))
    await expect.poll(() => held.length).toBe(1)
    await client.send(cancel(9))
    expect(await client.events.message()).toMatchObject({ id: 9, error: { code: -31499 } })
    await client.send(aRequest(9, 'slow', { n: 2 }))
    await expect.poll(() => held.length).toBe(2)
    for (const each of held) each()
    expect(await client.events.message()).toMatchObject({ id: 9, result: { n: 2 } })
  })
})

it('a server that asks more than a client can be asked is told so', async () => {
  let refused = 0
  const { endpoint } = await openCommand({
    on: {
      flood(call) {
        for (let n = 0; n < 1_200; n++)
          void call.ask('roots/list', undefined, `q${n}`).then(({ error }) => error && refused++)
        call.reply({})
      },
      refused: ({ reply }) => reply({ refused }),
    },
  })
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  const client = await begin(gateway)
  await client.send(aRequest(1, 'flood'))
  for (let n = 0; n <= 1_000; n++) await client.events.message()
  await expect
    .poll(async () => {
      await client.send(aRequest('r', 'refused'))
      await wait(0)
      const { result } = await client.events.message()
      return (result as { refused?: number } | undefined)?.refused
    })
    .toBe(200)
})
