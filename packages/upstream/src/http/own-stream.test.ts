import { beginEvents, openHttp, respond } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { backendOf, createEvents, createHeard, httpEndpoint } from '@mcp-router/testkit/upstream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient } from './client.js'
import { openHttpUpstream } from './upstream.js'

/** Has an Upstream listen to a session at this server, and counts how often that was asked for its stream. `onPing` has the pings. */
const listen = async (
  answer: (asked: Asked, tries: number) => void,
  onPing: (asked: Asked) => void = () => undefined,
) => {
  let tries = 0
  const server = await openHttp((asked) =>
    asked.method === 'POST' ? onPing(asked) : answer(asked, ++tries),
  )
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const endpoint = httpEndpoint(`${server.origin}/mcp`)
  const upstream = openHttpUpstream({
    client,
    endpoint,
    backend: backendOf(endpoint).name,
    listener: createHeard(),
    events: createEvents(),
    continued: { sessionId: 's-1', revision: '2025-06-18', cookies: '' },
  })
  onTestFinished(() => upstream.detach?.())
  const isHeard = vi.fn()
  upstream.listen()
  const heard = upstream.heard?.().then(isHeard)
  return { heard, isHeard, tries: () => tries }
}

it('is heard once a server gives the stream that it had given before', async () => {
  const began: number[] = []
  const { heard, tries } = await listen((asked, n) => {
    if (n < 4) asked.res.writeHead(409).end()
    else {
      began.push(n)
      beginEvents(asked)
    }
  })
  await heard
  expect(began).toEqual([4])
  expect(tries()).toBe(4)
})

it.each([405, 404, 501])('is waited for no longer where there is none (%i)', async (status) => {
  const { heard, tries } = await listen(({ res }) => void res.writeHead(status).end())
  await heard
  expect(tries()).toBeLessThan(3)
})

it.each([
  ['a server that has another one for long', 409, 22],
  ['a server that refuses a second one with 400', 400, 3],
  ['a server that is overloaded', 503, 1],
  ['a server that limits its clients', 429, 1],
])('is opened in the end at %s', async (_, status, times) => {
  const began = vi.fn()
  const { tries } = await listen((asked, n) => {
    if (n <= times) asked.res.writeHead(status).end()
    else {
      began()
      beginEvents(asked)
    }
  })
  await expect.poll(() => began.mock.calls.length, { timeout: 14_000 }).toBe(1)
  expect(tries()).toBe(times + 1)
})

it('is waited for half a second where neither the head of the stream comes nor a ping is answered', async () => {
  const startedAt = performance.now()
  const { heard } = await listen(() => undefined)
  await heard
  expect(performance.now() - startedAt).toBeGreaterThan(400)
})

it('is heard once a ping behind it is answered, where the head of the stream does not come', async () => {
  const startedAt = performance.now()
  const { heard, tries } = await listen(
    () => undefined,
    (ping) => respond(ping, {}),
  )
  await heard
  expect(performance.now() - startedAt).toBeLessThan(400)
  expect(tries()).toBe(1)
})

it('is not heard by a ping that was sent before it was refused', async () => {
  const gets: Asked[] = []
  const pings: Asked[] = []
  const { heard } = await listen(
    (get) => void gets.push(get),
    (ping) => {
      if (pings.push(ping) === 1) gets[0]!.res.writeHead(409).end()
      else pings.forEach((each) => respond(each, {}))
    },
  )
  await heard
  expect([gets.length, pings.length]).toEqual([2, 2])
})

it('is waited for a second at most, however slowly it is refused', async () => {
  const begun = performance.now()
  const { heard } = await listen(({ res }) => {
    setTimeout(() => res.writeHead(409).end(), 200)
  })
  await heard
  expect(performance.now() - begun).toBeLessThan(2_000)
})
