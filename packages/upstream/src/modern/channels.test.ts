import {
  aRequest,
  backendOf,
  createEvents,
  createModernHeard,
  httpEndpoint,
  nodeEndpoint,
  sseEndpoint,
} from '@mcp-router/testkit/upstream'
import { expect, it, onTestFinished } from 'vitest'
import { createToolCatalog } from '../catalog.js'
import { endpointKey } from '../era/endpoint-key.js'
import { createHttpClient } from '../http/client.js'
import { createModernChannels } from './channels.js'

const open = () => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  const events = createEvents()
  const channels = createModernChannels({
    client,
    events,
    env: process.env,
    idleMs: 60_000,
    catalog: createToolCatalog({ ttlMs: 60_000 }),
  })
  onTestFinished(async () => {
    await channels.close()
    await client.close()
  })
  return { channels, events }
}

it('an endpoint has one channel, also when its configuration was read again', () => {
  const { channels } = open()
  const endpoint = httpEndpoint('http://127.0.0.1:1/mcp')
  const first = channels.of(backendOf(endpoint), endpoint)
  expect(channels.of(backendOf(endpoint), { ...endpoint })).toBe(first)
  const other = httpEndpoint('http://127.0.0.1:1/other')
  expect(channels.of(backendOf(other), other)).not.toBe(first)
})

it('a changed command gets a channel of its own; the old one answers what it has and is ended', async () => {
  const { channels, events } = open()
  const slow = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    if (method === 'subscriptions/listen') return
    setTimeout(() => console.log(JSON.stringify({ jsonrpc: '2.0', id, result: {} })), 200)
  })`
  const [before, after] = [nodeEndpoint(slow), nodeEndpoint('1')]
  const first = channels.of(backendOf(before), before)
  const [listening, heard] = [createModernHeard(), createModernHeard()]
  first.request(aRequest(1, 'subscriptions/listen'), [], listening)
  first.request(aRequest(2), [], heard)
  channels.retain((key) => key === endpointKey(after))
  expect(channels.of(backendOf(after), after)).not.toBe(first)
  // Its client listens anew, at what took its place.
  expect(await listening.next()).toBeInstanceOf(Error)
  expect(await heard.next()).toMatchObject({ id: 2, result: {} })
  await expect.poll(() => events.all.at(-1)).toMatchObject({ kind: 'upstream', action: 'closed' })
})

it('two servers with one URL and different headers have a channel each', () => {
  const { channels } = open()
  const endpoints = ['ALICE', 'BOB'].map((who) =>
    httpEndpoint('http://127.0.0.1:1/mcp', { headers: { authorization: `Bearer ${who}` } }),
  )
  const [alice, bob] = endpoints.map((each) => channels.of(backendOf(each), each))
  expect(alice).not.toBe(bob)
})

it('an endpoint of 2024-11-05 has none', () => {
  const endpoint = sseEndpoint('http://127.0.0.1:1/sse')
  expect(() => open().channels.of(backendOf(endpoint), endpoint)).toThrow(TypeError)
})

it('closing ends the children', async () => {
  const { channels, events } = open()
  const endpoint = nodeEndpoint(`process.stdin.once('data', (line) =>
    console.log(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result: {} })))`)
  const heard = createModernHeard()
  channels.of(backendOf(endpoint), endpoint).request(aRequest('a'), [], heard)
  await heard.next()
  await channels.close()
  await expect.poll(() => events.all.at(-1)).toMatchObject({ kind: 'upstream', action: 'closed' })
})
