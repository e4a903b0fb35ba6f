import { backendOf } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openUsual } from '@mcp-router/testkit/server'
import type { ServerCall } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** `hang` is answered at `go`, with an error at `refuse`; `progress` reports its progress. */
const openHanging = (revision: string) => {
  let hanging: ServerCall | undefined
  return openUsual({
    revision,
    on: {
      hang: (call) => (hanging = call),
      progress: ({ notify, params }) =>
        notify('notifications/progress', { progressToken: 't', ...params }),
      go: () => hanging?.reply({ done: true }),
      refuse: () => hanging?.refuse(-32000, 'no'),
    },
  })
}

const open = async (revision: string) => {
  const backends = [backendOf('local', [(await openHanging(revision)).endpoint])]
  const store = openStore()
  const gateway = await openGateway({ backends, store })
  const other = await openGateway({ backends, store, instance: 'router-instance-2' })
  const url = `${gateway.url}/mcp/local`
  const { headers } = await initialize(url)
  const tell = async (method: string, params: object = {}) => {
    const told = await ask(url, { headers, body: { jsonrpc: '2.0', method, params } })
    expect(told.status).toBe(202)
  }
  const hang = () =>
    follow(url, {
      headers: { ...headers, accept: 'application/json, text/event-stream' },
      body: aRequest(1, 'hang', { _meta: { progressToken: 't' } }),
    })
  const resume = (lastEventId: string, at = url) =>
    follow(at, { headers: { ...headers, 'last-event-id': lastEventId } })
  return { gateway, other, url, headers, tell, hang, resume }
}

const next = async (events: Events) => {
  const { id, data } = await events.next()
  return [id, data.length > 0 ? (JSON.parse(String(data)) as unknown) : '']
}
const progress = (n: number) => ({ method: 'notifications/progress', params: { progress: n } })
const done = { id: 1, result: { done: true } }

/** leave cuts a stream and waits until the router knows: what counts as open there is what its events tell. */
const leave = async (gateway: Awaited<ReturnType<typeof open>>['gateway'], events: Events) => {
  const left = () => gateway.calls().filter(({ outcome }) => outcome === 'CLIENT_LEFT').length
  const before = left()
  events.response.destroy()
  await expect.poll(left).toBe(before + 1)
}

describe('a call whose client was cut off', () => {
  it('goes on, and the client gets what it missed, once, to the end', async () => {
    const { gateway, tell, hang, resume } = await open('2025-11-25')
    const cut = await hang()
    expect(await next(cut)).toEqual(['1.MQ:0', ''])
    await tell('progress', { progress: 1 })
    expect(await next(cut)).toMatchObject(['1.MQ:1', progress(1)])
    await leave(gateway, cut)
    await tell('progress', { progress: 2 })
    const resumed = await resume('1.MQ:1')
    expect(await next(resumed)).toEqual(['1.MQ:1', ''])
    expect(await next(resumed)).toMatchObject(['1.MQ:2', progress(2)])
    await tell('progress', { progress: 3 })
    expect(await next(resumed)).toMatchObject(['1.MQ:3', progress(3)])
    await tell('go')
    expect(await next(resumed)).toMatchObject(['1.MQ:4', done])
    await expect.poll(() => resumed.response.complete).toBe(true)
  })

  it('can be resumed before the router knows, again and again, from every instance', async () => {
    const { other, tell, hang, resume } = await open('2025-11-25')
    const first = await hang()
    await next(first)
    const second = await resume('1.MQ:0', `${other.url}/mcp/local`)
    await expect.poll(() => first.response.complete).toBe(true)
    expect(await next(second)).toEqual(['1.MQ:0', ''])
    await tell('progress', { progress: 1 })
    expect(await next(second)).toMatchObject(['1.MQ:1', progress(1)])
    second.response.destroy()
    await tell('go')
    const third = await resume('1.MQ:0')
    expect(await next(third)).toEqual(['1.MQ:0', ''])
    expect(await next(third)).toMatchObject(['1.MQ:1', progress(1)])
    expect(await next(third)).toMatchObject(['1.MQ:2', done])
  })

  it('has its answer kept, though nobody was there when it came', async () => {
    const { gateway, tell, hang, resume } = await open('2025-11-25')
    const cut = await hang()
    await next(cut)
    await leave(gateway, cut)
    await tell('go')
    const resumed = await resume('1.MQ:0')
    expect([await next(resumed), await next(resumed)]).toMatchObject([
      ['1.MQ:0', ''],
      ['1.MQ:1', done],
    ])
    await expect.poll(() => resumed.response.complete).toBe(true)
  })

  it('has an error kept likewise; who has it is told not to come again', async () => {
    const { gateway, url, headers, tell, hang, resume } = await open('2025-11-25')
    const cut = await hang()
    await next(cut)
    await leave(gateway, cut)
    await tell('refuse')
    const resumed = await resume('1.MQ:0')
    await next(resumed)
    expect(await next(resumed)).toMatchObject(['1.MQ:1', { id: 1, error: { message: 'no' } }])
    const again = await ask(url, {
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': '1.MQ:1' },
    })
    expect([again.status, again.text]).toEqual([204, ''])
  })

  it('of an older revision has ids, and no event without data', async () => {
    const { gateway, tell, hang, resume } = await open('2025-03-26')
    const opening = hang()
    await expect.poll(() => gateway.router.calls()).toBe(1)
    await tell('progress', { progress: 1 })
    const cut = await opening
    expect(await next(cut)).toMatchObject(['1.MQ:1', progress(1)])
    await leave(gateway, cut)
    await tell('go')
    const resumed = await resume('1.MQ:1')
    expect(await next(resumed)).toMatchObject(['1.MQ:2', done])
  })

  it('of the first revision is over, as there are no ids to come back with', async () => {
    const { gateway, url, headers, tell, hang, resume } = await open('2024-11-05')
    const opening = hang()
    await expect.poll(() => gateway.router.calls()).toBe(1)
    await tell('progress', { progress: 1 })
    const cut = await opening
    expect(await next(cut)).toMatchObject([undefined, progress(1)])
    await leave(gateway, cut)
    // An id that it makes up means nothing.
    expect((await resume('9:9')).response.statusCode).toBe(200)
    // Its id is free again.
    const told = await ask(url, { headers, body: aRequest(1, 'echo') })
    expect(jsonOf(told)).toMatchObject({ id: 1, result: {} })
  })
})

describe('the stream that a client opens', () => {
  it('is resumed behind the event it names', async () => {
    const { gateway, url, headers, tell, resume } = await open('2025-11-25')
    const cut = await follow(url, { headers })
    expect(await next(cut)).toEqual(['0:0', ''])
    await tell('say', { n: 1 })
    await tell('say', { n: 2 })
    expect(await next(cut)).toMatchObject(['0:1', { params: { n: 1 } }])
    const closed = () =>
      gateway.events.filter((each) => each.kind === 'stream' && each.action === 'closed').length
    cut.response.destroy()
    await expect.poll(closed).toBe(1)
    await tell('say', { n: 3 })
    const resumed = await resume('0:1')
    expect(await next(resumed)).toEqual(['0:1', ''])
    for (const n of [2, 3]) {
      expect(await next(resumed)).toMatchObject([`0:${n}`, { params: { n } }])
    }
    await tell('say', { n: 4 })
    expect(await next(resumed)).toMatchObject(['0:4', { params: { n: 4 } }])
  })

  it('is left alone by a client that names an event nobody knows', async () => {
    const { url, headers, tell } = await open('2025-11-25')
    const stream = await follow(url, { headers })
    await next(stream)
    for (const id of ['9:9', 'nonsense', '0:1']) {
      const accept = 'text/event-stream'
      const told = await ask(url, { headers: { ...headers, accept, 'last-event-id': id } })
      expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32600 } }])
    }
    await tell('say', { n: 1 })
    expect(await next(stream)).toMatchObject(['0:1', { params: { n: 1 } }])
  })

  it('does not give away what belongs to another session', async () => {
    const { url, tell, hang, headers } = await open('2025-11-25')
    const mine = await hang()
    await next(mine)
    await tell('progress', { progress: 1 })
    const others = await initialize(url)
    const foreign = { ...others.headers, accept: 'text/event-stream', 'last-event-id': '1.MQ:0' }
    expect((await ask(url, { headers: foreign })).status).toBe(400)
    const stranger = { ...headers, 'x-principal': 'eve', 'last-event-id': '1.MQ:0' }
    expect((await ask(url, { headers: stranger })).status).toBe(404)
    expect(await next(mine)).toMatchObject(['1.MQ:1', progress(1)])
  })
})

it('a call that is answered at once is answered as JSON, and leaves nothing behind', async () => {
  const { url, headers } = await open('2025-11-25')
  const told = await ask(url, { headers, body: aRequest(1, 'echo', { a: 1 }) })
  expect(told.headers['content-type']).toBe('application/json')
  const late = { ...headers, accept: 'text/event-stream', 'last-event-id': '1.MQ:0' }
  expect((await ask(url, { headers: late })).status).toBe(400)
})

it('a second request under an id in flight is refused, and the first goes on', async () => {
  const { tell, hang } = await open('2025-11-25')
  const first = await hang()
  await next(first)
  const second = await hang()
  expect([second.response.statusCode, second.response.headers['content-type']]).toEqual([
    400,
    'application/json',
  ])
  await tell('go')
  expect(await next(first)).toMatchObject(['1.MQ:1', done])
})
