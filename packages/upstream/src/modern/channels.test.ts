import { expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { aRequest, backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '../testing/backend.js'
import { createEvents, createModernHeard } from '../testing/listener.js'
import { createModernChannels } from './channels.js'

const open = () => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  const events = createEvents()
  const channels = createModernChannels({ client, events, env: process.env, idleMs: 60_000 })
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

it('a changed command gets a channel of its own, and what is under way at the old one fails', async () => {
  const { channels } = open()
  const [before, after] = [nodeEndpoint('process.stdin.resume()'), nodeEndpoint('1')]
  const first = channels.of(backendOf(before), before)
  const heard = createModernHeard()
  first.request(aRequest(1), [], heard)
  expect(channels.of(backendOf(after), after)).not.toBe(first)
  expect(await heard.next()).toBeInstanceOf(Error)
})

it('an endpoint of 2024-11-05 has none', () => {
  const endpoint = sseEndpoint('http://127.0.0.1:1/sse')
  expect(() => open().channels.of(backendOf(endpoint), endpoint)).toThrow(TypeError)
})

it('closing ends the children', async () => {
  const { channels, events } = open()
  const endpoint = nodeEndpoint(`process.stdin.once('data', () =>
    console.log('{"jsonrpc":"2.0","id":1,"result":{}}'))`)
  const heard = createModernHeard()
  channels.of(backendOf(endpoint), endpoint).request(aRequest('a'), [], heard)
  await heard.next()
  await channels.close()
  await expect.poll(() => events.all.at(-1)).toMatchObject({ kind: 'upstream', action: 'closed' })
})
