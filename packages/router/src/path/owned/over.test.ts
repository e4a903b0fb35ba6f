import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest } from '@mcp-router/testkit/client'
import { begin, openGateway } from '@mcp-router/testkit/router'
import { openCommand, openEndpoint, respond } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const cancelled = (requestId: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
})
const isCancelled = { id: 9, error: { code: -31499 } }

describe('a call of a client of 2024-11-05 that is over', () => {
  /** A server that holds `prompts/get`, and calls of tools, until the test lets go of them. */
  const open = async () => {
    const held: Asked[] = []
    const isHeld = ['prompts/get', 'tools/call']
    const endpoint = await openEndpoint((asked) => {
      const { method, message, res } = asked
      if (method === 'GET') res.writeHead(405).end()
      else if (isHeld.includes(message.method ?? '')) held.push(asked)
      else respond(asked, message.method === 'tools/list' ? { tools: [{ name: 'append' }] } : {})
    })
    const gateway = await openGateway({
      backends: [backendOf('local', [httpEndpoint(endpoint.url)])],
    })
    const client = await begin(gateway)
    /** The server forgets its sessions, and answers this one only now. */
    const forget = (asked: Asked): void => {
      endpoint.forget()
      asked.res.writeHead(404).end('no session')
    }
    const seen = () =>
      held.map(({ message, headers }) => [message.params?.['n'], headers['mcp-session-id']])
    return { held, client, forget, seen }
  }

  it('is not sent to the session that takes the place of a forgotten one', async () => {
    const { held, client, forget, seen } = await open()
    await client.send(aRequest(9, 'tools/call', { name: 'append', n: 1 }))
    await expect.poll(() => held.length).toBe(1)
    await client.send(cancelled(9))
    expect(await client.events.message()).toMatchObject(isCancelled)
    forget(held[0]!)
    await client.send(aRequest(10, 'prompts/get', { n: 2 }))
    await expect.poll(() => held.length).toBe(2)
    respond(held[1]!, { n: 2 })
    expect(await client.events.message()).toMatchObject({ id: 10, result: { n: 2 } })
    expect(seen()).toEqual([
      [1, 's-1'],
      [2, 's-2'],
    ])
  })

  it('leaves the next one of its id its answer', async () => {
    const { held, client, forget, seen } = await open()
    await client.send(aRequest(9, 'prompts/get', { n: 1 }))
    await expect.poll(() => held.length).toBe(1)
    await client.send(cancelled(9))
    await client.send(aRequest(9, 'prompts/get', { n: 2 }))
    await expect.poll(() => held.length).toBe(2)
    forget(held[0]!)
    await expect.poll(() => held.length).toBe(3)
    for (const asked of held.slice(2)) respond(asked, { n: asked.message.params?.['n'] })
    expect(await client.events.message()).toMatchObject(isCancelled)
    expect(await client.events.message()).toMatchObject({ id: 9, result: { n: 2 } })
    expect(seen()).toEqual([
      [1, 's-1'],
      [2, 's-1'],
      [2, 's-2'],
    ])
  })
})

it.each([true, false])(
  'a call that is cancelled while it is found out whether it may run twice is over (it may: %s)',
  async (readOnlyHint) => {
    let decide = (): void => undefined
    const decided = new Promise<void>((resolve) => (decide = resolve))
    let isAsked = false
    const tools = [{ name: 'x', inputSchema: { type: 'object' }, annotations: { readOnlyHint } }]
    const command = await openCommand({
      capabilities: { tools: {} },
      on: {
        async 'tools/list'({ reply }) {
          isAsked = true
          await decided
          reply({ tools })
        },
        'tools/call'({ params, reply, session }) {
          if (params['n'] === 1) session.exit(1)
          else reply({ n: params['n'] })
        },
      },
    })
    const gateway = await openGateway({ backends: [backendOf('local', [command.endpoint])] })
    const client = await begin(gateway)
    await client.send(aRequest(9, 'tools/call', { name: 'x', n: 1 }))
    await expect.poll(() => isAsked, { timeout: 10_000 }).toBe(true)
    await client.send(cancelled(9))
    expect(await client.events.message()).toMatchObject(isCancelled)
    expect((await client.send(aRequest(9, 'tools/call', { name: 'x', n: 2 }))).status).toBe(202)
    decide()
    expect(await client.events.message()).toMatchObject({ id: 9, result: { n: 2 } })
    const calls = command.calls.filter(({ method }) => method === 'tools/call')
    expect(calls.map(({ params }) => params['n'])).toEqual([1, 2])
  },
)
