import type { Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { begin, openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openCommand, echo, openEndpoint, respond } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const id = 'weather#1' as Endpoint['id']
const at = (url: string, token = 'old') => ({
  ...httpEndpoint(url),
  id,
  headers: { authorization: `Bearer ${token}` },
})
const publish = (gateways: readonly TestGateway[], endpoint: Endpoint): void =>
  gateways.forEach((each) => each.publish(backendOf('weather', [endpoint])))

/** Two Instances that share a store, before one server, and the one that takes its place. */
const open = async (answer: (asked: Asked) => void = echo) => {
  const [before, after] = [await openEndpoint(answer), await openEndpoint()]
  const store = openStore()
  const backends = [backendOf('weather', [at(before.url)])]
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { before, after, gateways: [a, b], a, b }
}

const callTo = async (gateway: TestGateway, headers: Record<string, string>, n = 1) => {
  const body = aRequest(n, 'tools/call', { n })
  const told = await ask(`${gateway.url}/mcp/weather`, { headers, body })
  return { status: told.status, ...jsonOf(told) }
}

describe('changed headers of a server', () => {
  it('go with the next request of a live session, at every instance', async () => {
    const { before, gateways, a, b } = await open()
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    await callTo(b, headers)
    publish(gateways, at(before.url, 'new'))
    for (const gateway of gateways)
      expect(await callTo(gateway, headers)).toMatchObject({ status: 200, result: { n: 1 } })
    expect(before.by('tools/call').map((asked) => asked.headers.authorization)).toEqual([
      'Bearer old',
      'Bearer new',
      'Bearer new',
    ])
    expect(before.by('initialize')).toHaveLength(1)
  })

  it('go with the next message of a client of 2024-11-05, whose session at the server stays', async () => {
    const { before, gateways, a } = await open()
    const client = await begin(a, { backend: 'weather' })
    publish(gateways, at(before.url, 'new'))
    await client.send(aRequest(1, 'tools/call'))
    await client.events.message()
    expect(before.by('tools/call')[0]?.headers.authorization).toBe('Bearer new')
    expect(before.by('initialize')).toHaveLength(1)
  })
})

describe('a session whose endpoint is replaced', () => {
  it('goes on at the new one, at every instance', async () => {
    const { before, after, gateways, a, b } = await open()
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    publish(gateways, at(after.url))
    // Here it was never used before.
    expect(await callTo(b, headers)).toMatchObject({ status: 200, result: { n: 1 } })
    expect(await callTo(a, headers)).toMatchObject({ status: 200, result: { n: 1 } })
    expect(before.by('tools/call')).toHaveLength(0)
    expect(after.by('initialize')).toHaveLength(1)
    // A session id of one server is no business of another.
    expect(after.asked[0]?.message.method).toBe('initialize')
  })

  it('takes no cookie of the old one along, however late that answers', async () => {
    const waiting: Asked[] = []
    const { after, gateways, a } = await open((asked) => void waiting.push(asked))
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    const first = callTo(a, headers)
    await expect.poll(() => waiting).toHaveLength(1)
    publish(gateways, at(after.url))
    await callTo(a, headers, 2)
    for (const asked of waiting) {
      asked.res.setHeader('set-cookie', 'node=before')
      echo(asked)
    }
    expect(await first).toMatchObject({ status: 200, result: { n: 1 } })
    await callTo(a, headers, 3)
    expect(after.by('tools/call').map((asked) => asked.headers.cookie)).toEqual([
      undefined,
      undefined,
    ])
  })

  it('of a call that broke off is opened anew before that is sent again', async () => {
    const waiting: Asked[] = []
    const { after, gateways, a } = await open((asked) => {
      if (asked.message.method === 'prompts/get') waiting.push(asked)
      else echo(asked)
    })
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    const body = aRequest(1, 'prompts/get', { n: 1 })
    const getting = ask(`${a.url}/mcp/weather`, { headers, body })
    await expect.poll(() => waiting).toHaveLength(1)
    publish(gateways, at(after.url))
    for (const asked of waiting) asked.res.destroy()
    expect(jsonOf(await getting)).toMatchObject({ result: { n: 1 } })
    expect(after.asked[0]?.message.method).toBe('initialize')
  })

  it('is awaited by an instance that has not read the change yet', async () => {
    const { after, a, b } = await open()
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    publish([a], at(after.url))
    await callTo(a, headers)
    const late = callTo(b, headers)
    publish([b], at(after.url))
    expect(await late).toMatchObject({ status: 200, result: { n: 1 } })
    expect(after.by('initialize')).toHaveLength(1)
  })

  it('has its stream opened there: the one before is ended', async () => {
    const { before, after, gateways, a } = await open(({ res, method, ...asked }) => {
      if (method === 'GET')
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
      else echo({ res, method, ...asked })
    })
    const url = `${a.url}/mcp/weather`
    const { headers } = await initialize(url)
    const stream = await follow(url, { headers })
    const ended = new Promise((resolve) => stream.response.once('close', resolve))
    await expect.poll(() => before.by('GET')).toHaveLength(1)
    publish(gateways, at(after.url))
    await ended
    await follow(url, { headers })
    expect(after.by('GET')).toHaveLength(1)
  })

  it('goes on at a command where no http endpoint is left', async () => {
    const { gateways, a, b } = await open()
    const { headers } = await initialize(`${a.url}/mcp/weather`)
    const { endpoint } = await openCommand()
    publish(gateways, { ...endpoint, id })
    expect(await callTo(b, headers)).toMatchObject({ status: 200, result: { n: 1 } })
    expect(await callTo(a, headers)).toMatchObject({ status: 200, result: { n: 1 } })
  })

  it('of a client of 2024-11-05 finishes its calls and goes on at the new one', async () => {
    const waiting: Asked[] = []
    const { before, after, gateways, a } = await open((asked) => {
      if (asked.message.method === 'ping') respond(asked, {})
      else if (asked.method === 'POST') waiting.push(asked)
      else asked.res.writeHead(405).end()
    })
    const client = await begin(a, { backend: 'weather' })
    await client.send(aRequest(1, 'tools/call', { n: 1 }))
    await expect.poll(() => waiting).toHaveLength(1)
    publish(gateways, at(after.url))
    for (const asked of waiting) echo(asked)
    expect(await client.events.message()).toMatchObject({ id: 1, result: { n: 1 } })
    // Its stream is open: what the new server says is not to be missed.
    await expect.poll(() => after.by('initialize')).toHaveLength(1)
    await client.send(aRequest(2, 'tools/call', { n: 2 }))
    expect(await client.events.message()).toMatchObject({ id: 2, result: { n: 2 } })
    expect(before.by('tools/call')).toHaveLength(1)
  })
})

it('what callers share at an endpoint is ended with it, once its calls are over', async () => {
  const { before, after, gateways, a } = await open()
  const url = `${a.url}/mcp/router/route/weather`
  await ask(url, { body: aRequest(1, 'tools/call', { n: 1 }) })
  publish(gateways, at(after.url))
  expect(jsonOf(await ask(url, { body: aRequest(2, 'tools/call', { n: 2 }) }))).toMatchObject({
    result: { n: 2 },
  })
  expect([before.by('tools/call').length, after.by('tools/call').length]).toEqual([1, 1])
  await expect.poll(() => before.by('DELETE'), { timeout: 10_000 }).toHaveLength(1)
})
