import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/backend'
import {
  aRequest,
  ask,
  canAnswer,
  initialize,
  jsonOf,
  modernClient,
  questionOf,
} from '@mcp-router/testkit/client'
import type { Told } from '@mcp-router/testkit/client'
import { begin, openGateway } from '@mcp-router/testkit/router'
import {
  openCommand,
  echo,
  openEndpoint,
  openModernCommand,
  openModernEndpoint,
} from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

/** Hangs at `hang`; reports progress every 100 ms at `busy`, for a second; `what` tells what was cancelled. */
const openBusy = () => {
  const cancelled: unknown[] = []
  return openCommand({
    on: {
      'notifications/cancelled': ({ params }) => cancelled.push(params['requestId']),
      'tools/list': ({ reply }) => reply({ tools: [] }),
      what: ({ reply }) => reply({ cancelled }),
      async busy({ params, notify, reply }) {
        const { progressToken } = params['_meta'] as { progressToken: unknown }
        for (let progress = 1; progress <= 10; progress++) {
          await wait(100)
          notify('notifications/progress', { progressToken, progress })
        }
        reply({ done: true })
      },
    },
    otherwise: () => undefined,
  })
}

const deadlineMs = 500
/** Many tests run at once here. */
const patience = { timeout: 10_000 }
const passed = (id: unknown) => ({
  id,
  error: {
    code: -31504,
    message: expect.stringMatching(/server "local" within 0\.5 s/) as string,
  },
})

const open = async (endpoint: Endpoint, era: Backend['era'] = 'auto') => {
  const backends = [{ ...backendOf('local', [endpoint], deadlineMs), era }]
  const gateway = await openGateway({ backends })
  return { gateway, url: `${gateway.url}/mcp/local` }
}

/** batchOf sends a batch in a session of the revision that has them. */
const batchOf = async (url: string, body: readonly object[]) => {
  const opened = await ask(url, {
    body: aRequest(0, 'initialize', { protocolVersion: '2025-03-26' }),
  })
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  return ask(url, { headers, body })
}

/** Writes this every 100 ms, with a number where there is a place for one, and nothing else. */
const repeat =
  (frame: string) =>
  ({ res, method }: Pick<Asked, 'res'> & { method?: string }): void => {
    if (method === 'GET') return void res.writeHead(405).end()
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    let count = 0
    const timer = setInterval(() => res.write(`${frame.replace('#', String(++count))}\n\n`), 100)
    res.on('close', () => clearInterval(timer))
  }

const stray = { method: 'notifications/progress', params: { progressToken: 'no', progress: 1 } }
/** Frames that say nothing of a call. */
const idle = [
  ['numbered events without data', 'id: #\ndata:'],
  ['comments', ': #'],
  ['events that are no messages', 'event: ping\ndata: #'],
  ['numbered events that are no messages', 'id: #\nevent: ping\ndata: #'],
  ['progress of no call', `id: #\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...stray })}`],
] as const

/** Agrees on the revision that it is asked for. */
const greet = ({ res, message }: Asked): void => {
  const result = { protocolVersion: message.params?.['protocolVersion'], capabilities: {} }
  res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
}

describe.concurrent('the deadline of a server', () => {
  it('ends a call of a session that it leaves alone, and cancels it there', async () => {
    const { url } = await open((await openBusy()).endpoint)
    const { headers } = await initialize(url)
    expect(jsonOf(await ask(url, { headers, body: aRequest(7, 'hang') }))).toMatchObject(passed(7))
    const told = await ask(url, { headers, body: aRequest(8, 'what') })
    expect(jsonOf(told)).toMatchObject({ result: { cancelled: [7] } })
  })

  it.for([
    ['says nothing', '', 504],
    ['has begun a stream', 'notifications/message', 200],
  ] as const)('ends a call at a server that %s', async ([, method, status], { expect }) => {
    const hang = ({ res }: Asked): void => {
      if (!method) return
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method })}\n\n`)
    }
    const endpoint = await openEndpoint(hang)
    const { url } = await open(httpEndpoint(endpoint.url), 'legacy')
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest(7, 'prompts/list') })
    expect(told.status).toBe(status)
    expect(told.text).toMatch(/"id":7,"error":\{"code":-31504/)
    const cancelled = () => endpoint.by('notifications/cancelled')[0]?.message.params
    await expect.poll(cancelled, patience).toEqual({ requestId: 7 })
  })

  it.each(idle)('ends a call at a server that only sends %s', async (_, frame) => {
    const endpoint = await openEndpoint(repeat(frame), { greet, knowsAll: true })
    const { url } = await open(httpEndpoint(endpoint.url), 'legacy')
    const opened = await ask(url, {
      body: aRequest(0, 'initialize', { protocolVersion: '2025-11-25' }),
    })
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    const told = await ask(url, { headers, body: aRequest(7, 'prompts/list') })
    expect(told.text).toMatch(/"id":7,"error":\{"code":-31504/)
    const batch = await batchOf(url, [aRequest(8, 'prompts/list')])
    expect(jsonOf(batch)).toMatchObject([passed(8)])
  })

  it('ends a call of a client of 2024-11-05', async () => {
    const { gateway } = await open((await openBusy()).endpoint)
    const { events, send } = await begin(gateway)
    await send(aRequest(7, 'hang'))
    expect(await events.message()).toMatchObject(passed(7))
    await send(aRequest(8, 'what'))
    expect(await events.message()).toMatchObject({ result: { cancelled: [7] } })
  })

  it('ends a member of a batch, the others as they come', async () => {
    const { url } = await open((await openBusy()).endpoint)
    const told = await batchOf(url, [aRequest(1, 'hang'), aRequest(2, 'what')])
    expect(jsonOf(told)).toMatchObject([{ id: 2 }, passed(1)])
  })

  it('ends a member of a batch at a server of several posts, and cancels it there', async ({
    expect,
  }) => {
    const endpoint = await openEndpoint(
      (asked) => {
        if (asked.message.method !== 'hang') echo(asked)
      },
      { greet, knowsAll: true },
    )
    const { url } = await open(httpEndpoint(endpoint.url), 'legacy')
    const told = await batchOf(url, [aRequest(1, 'hang'), aRequest(2, 'what', { n: 2 })])
    expect(jsonOf(told)).toMatchObject([{ id: 2, result: { n: 2 } }, passed(1)])
    const cancelled = () =>
      endpoint.by('notifications/cancelled').map((each) => each.message.params)
    await expect.poll(cancelled, patience).toEqual([{ requestId: 1 }])
  })

  it('ends a call of a session at a modern server', async () => {
    const { url } = await open((await openModernCommand()).endpoint, 'modern')
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest(7, 'tools/call', { name: 'hang' }) })
    expect(jsonOf(told)).toMatchObject(passed(7))
    const what = aRequest(8, 'tools/call', { name: 'cancelled' })
    expect(jsonOf(await ask(url, { headers, body: what }))).toMatchObject({
      result: { cancelled: 1 },
    })
  })

  it('begins anew with whatever the server says of the call', async ({ expect }) => {
    const { url } = await open((await openBusy()).endpoint)
    const { headers } = await initialize(url)
    const busy = aRequest(7, 'busy', { _meta: { progressToken: 't' } })
    const told = await ask(url, { headers, body: busy })
    expect(told.text).toContain('"done":true')
    const client = modernClient(url)
    const terms = { meta: { progressToken: 't' } }
    // Its process may take longer than that to start.
    const ready = async () => (await client.send('tools/list', {}, terms)).status
    await expect.poll(ready, patience).toBe(200)
    const events = await client.stream('busy', {}, terms)
    let last = await events.message()
    while ('method' in last) last = await events.message()
    expect(last).toMatchObject({ result: { done: true } })
  })
})

describe.concurrent('the deadline of a server, for a modern client', () => {
  const hang = async (url: string, capabilities = {}): Promise<Told> =>
    ask(url, questionOf('m', 'tools/call', { name: 'hang' }, { capabilities }))

  it.for([
    ['the shared session', {}],
    ['a session of its own', canAnswer],
  ] as const)('ends its call in %s', async ([, capabilities], { expect }) => {
    const endpoint = await openEndpoint(({ method, res, message }) => {
      if (method === 'GET') res.writeHead(405).end()
      if (message.method !== 'tools/list') return
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { tools: [] } }))
    })
    const { url } = await open(httpEndpoint(endpoint.url))
    expect(jsonOf(await hang(url, capabilities))).toMatchObject(passed('m'))
    const heard = () => endpoint.by('notifications/cancelled').length + endpoint.by('DELETE').length
    await expect.poll(heard, patience).toBeGreaterThan(0)
  })

  it.each([
    ['takes it', true, ''],
    ['is a command', false, ''],
    ['takes it, within the time that its address has', true, '/timeout/1'],
  ])('ends its call at a server that %s and answers nothing at all', async (_, isHttp, limit) => {
    const mute = await openEndpoint(() => undefined, { greet: () => undefined, knowsAll: true })
    const endpoint = isHttp ? httpEndpoint(mute.url) : nodeEndpoint('setInterval(() => {}, 60_000)')
    const { gateway, url } = await open(endpoint)
    const told = await hang(limit ? `${gateway.url}/mcp/router/route/local${limit}` : url)
    expect([told.status, jsonOf(told)]).toMatchObject([504, { id: 'm', error: { code: -31504 } }])
    expect(told.text).toMatch(/within (0\.5|1) s; nothing was called/)
    expect(mute.by('tools/call')).toEqual([])
    expect(gateway.calls()).toMatchObject([{ outcome: 'DEADLINE_PASSED' }])
  })

  it('ends its call at a modern server', async ({ expect }) => {
    const endpoint = await openModernEndpoint(() => undefined)
    const { url } = await open(httpEndpoint(endpoint.url))
    const asking = hang(url)
    await expect.poll(() => endpoint.asked.length, patience).toBe(1)
    const given = new Promise((resolve) => endpoint.asked[0]?.res.once('close', resolve))
    const told = await asking
    expect([told.status, jsonOf(told)]).toMatchObject([504, passed('m')])
    await given
  })

  it.each(idle)('ends its call at a modern server that only sends %s', async (_, frame) => {
    const endpoint = await openModernEndpoint(repeat(frame))
    const { url } = await open(httpEndpoint(endpoint.url))
    expect((await hang(url)).text).toMatch(/"id":"m","error":\{"code":-31504/)
  })

  it('ends its call at a modern command', async () => {
    const { url } = await open((await openModernCommand()).endpoint, 'modern')
    expect(jsonOf(await hang(url))).toMatchObject(passed('m'))
    const told = await modernClient(url).tool('cancelled')
    expect(told).toMatchObject({ result: { cancelled: 1 } })
  })
})
