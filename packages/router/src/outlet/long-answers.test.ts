import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, begin, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'
import { createLongAnswers } from './long-answers.js'

const half = `{"result":{"x":"${'x'.repeat(1_900_000)}`

it('takes no more than fits, and again what was released', () => {
  const answers = createLongAnswers(100)
  expect([answers.take(300), answers.take(101), answers.take(100)]).toEqual([true, false, true])
  answers.release(300)
  expect(answers.take(300)).toBe(true)
})

it('holds so much of long answers at once, and the rest is told to be lost', async () => {
  const maxResponseBytes = 2_000_000
  const held: Asked[] = []
  const endpoint = await openEndpoint((asked) => {
    held.push(asked)
    asked.res.writeHead(200, { 'content-type': 'application/json' }).write(half)
  })
  const backends = [backendOf('long', [httpEndpoint(endpoint.url)])]
  const gateway = await openGateway({ backends, maxResponseBytes })
  const url = `${gateway.url}/mcp/long`
  const { headers } = await initialize(url)
  const call = (id: number) => ask(url, { headers, body: aRequest(id, 'write') })
  const waiting = [1, 2, 3, 4, 5].map(call)
  await expect.poll(() => held.length).toBe(5)
  // Which of them does not fit is a matter of which is read first.
  const refused = jsonOf(await Promise.race(waiting)) as { id: number }
  expect(refused).toMatchObject({
    error: {
      code: -31001,
      data: { reason: 'its answer is longer than this instance can hold now' },
    },
  })
  for (const { res, message } of held) res.end(`"},"jsonrpc":"2.0","id":${String(message.id)}}`)
  for (const [at, answer] of (await Promise.all(waiting)).entries())
    if (at + 1 !== refused.id) expect(answer.text.endsWith(`"id":${at + 1}}`)).toBe(true)
  const after = call(6)
  await expect.poll(() => held.length).toBe(6)
  held[5]?.res.end('"},"jsonrpc":"2.0","id":6}')
  expect((await after).text).toContain('xxx')
})

it('lets go of what a client that left had waited for', async () => {
  const held: Asked[] = []
  const endpoint = await openEndpoint((asked) => {
    held.push(asked)
    asked.res.writeHead(200, { 'content-type': 'application/json' }).write(half)
  })
  const backends = [backendOf('long', [httpEndpoint(endpoint.url)])]
  const gateway = await openGateway({ backends, maxResponseBytes: 2_000_000 })
  const url = `${gateway.url}/mcp/long`
  const { headers } = await initialize(url)
  for (const id of [1, 2, 3, 4, 5, 6]) {
    const leaving = new AbortController()
    const body = aRequest(id, 'write')
    begin(url, { headers, body, signal: leaving.signal }).catch(() => undefined)
    await expect.poll(() => held.length).toBe(id)
    // Bytes that nobody reads any more do not count: all of them have left the server.
    await expect.poll(() => held.at(-1)?.res.writableLength).toBe(0)
    leaving.abort()
    await expect.poll(() => gateway.router.calls()).toBe(0)
  }
  const body = aRequest(7, 'write')
  const answer = ask(url, { headers, body })
  await expect.poll(() => held.length).toBe(7)
  held[6]?.res.end('"},"jsonrpc":"2.0","id":7}')
  expect((await answer).text).toContain('xxx')
})

it('lets go of an answer that comes when the client of its stream has left', async () => {
  const held: Asked[] = []
  const endpoint = await openEndpoint((asked) => void held.push(asked), {
    greet: ({ res, message }) => {
      const result = { protocolVersion: message.params?.['protocolVersion'], capabilities: {} }
      res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    },
    knowsAll: true,
  })
  const backends = [backendOf('long', [httpEndpoint(endpoint.url)])]
  const options = { keepAliveMs: 50 }
  const gateway = await openGateway({ backends, maxResponseBytes: 2_000_000, options })
  const url = `${gateway.url}/mcp/long`
  const opened = await ask(url, {
    body: aRequest(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {} }),
  })
  const headers = {
    'mcp-session-id': String(opened.headers['mcp-session-id']),
    accept: 'application/json, text/event-stream',
  }
  for (const id of [1, 2, 3, 4, 5, 6]) {
    const leaving = new AbortController()
    const stream = await begin(url, {
      headers,
      body: aRequest(id, 'write'),
      signal: leaving.signal,
    })
    stream.on('error', () => undefined)
    leaving.abort()
    await expect.poll(() => gateway.router.calls()).toBe(0)
    held.at(-1)?.res.writeHead(200, { 'content-type': 'application/json' })
    held.at(-1)?.res.end(`${half}"},"jsonrpc":"2.0","id":${id}}`)
    await expect.poll(() => held.at(-1)?.res.writableFinished).toBe(true)
  }
  const answer = ask(url, { headers, body: aRequest(7, 'write') })
  await expect.poll(() => held.length).toBe(7)
  held[6]?.res.writeHead(200, { 'content-type': 'application/json' })
  held[6]?.res.end(`${half}"},"jsonrpc":"2.0","id":7}`)
  expect((await answer).text).toContain('xxx')
})
