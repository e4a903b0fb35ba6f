import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openCommand, deadUrl, echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async (answer?: (asked: Asked) => void, deadlineMs?: number) => {
  const endpoint = await openEndpoint(answer)
  const backend = backendOf('weather', [httpEndpoint(endpoint.url)], deadlineMs)
  const gateway = await openGateway({ backends: [backend] })
  return { endpoint, gateway, url: `${gateway.url}/mcp/router/route/weather` }
}

describe('a call', () => {
  it('is answered without a session of its own', async () => {
    const { endpoint, url } = await open()
    const told = await ask(url, { body: aRequest(1, 'tools/call', { a: 1 }) })
    expect(told).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: 1, result: { a: 1 } })
    await ask(url, { body: aRequest(2, 'tools/call') })
    expect(endpoint.by('initialize')).toHaveLength(1)
    expect(endpoint.by('tools/call')[1]?.headers['mcp-session-id']).toBe('s-1')
  })

  it('passes every byte but those of the id, both ways', async () => {
    const { endpoint, url } = await open(({ res, message }) => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(
        `{ "result":{"n":1.50,"é":"😀"} ,"id":${JSON.stringify(message.id)}, "jsonrpc":"2.0", "x":[ ]}`,
      )
    })
    const body = ' {"jsonrpc":"2.0", "id" : "a\\u0062", "x":1e2,"method":"m","params":{"é":"😀"}}\n'
    const told = await ask(url, { body })
    const sent = endpoint.by('m')[0]
    expect(sent?.text).toBe(body.replace('"a\\u0062"', JSON.stringify(sent?.message.id)))
    expect(told.text).toBe(
      '{ "result":{"n":1.50,"é":"😀"} ,"id":"a\\u0062", "jsonrpc":"2.0", "x":[ ]}',
    )
  })

  it('gets its own answer among many with the same id', async () => {
    const { url } = await open()
    const calls = Array.from({ length: 50 }, async (_, n) => {
      const id = n % 2 === 0 ? 1 : '1'
      const told = jsonOf(await ask(url, { body: aRequest(id, 'tools/call', { n }) }))
      expect(told).toEqual({ jsonrpc: '2.0', id, result: { n } })
    })
    await Promise.all(calls)
  })

  it('may be initialize, which is answered from the session that there is', async () => {
    const { endpoint, url } = await open()
    const told = jsonOf(await ask(url, { body: aRequest('i', 'initialize') }))
    expect(told).toMatchObject({ id: 'i', result: { serverInfo: { name: 's-1' } } })
    expect(endpoint.by('initialize')).toHaveLength(1)
  })

  it('reaches a command as well', async () => {
    const local = backendOf('local', [(await openCommand()).endpoint])
    const gateway = await openGateway({ backends: [local] })
    const body = JSON.stringify(aRequest(1, 'tools/call', { a: 1 }), undefined, 2)
    const told = await ask(`${gateway.url}/mcp/router/route/local`, { body })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: 1, result: { a: 1 } })
  })

  it.each([
    ['a notification is accepted', { jsonrpc: '2.0', method: 'n' }, 202, undefined],
    ['a response is refused', { jsonrpc: '2.0', id: 1, result: {} }, 400, -32600],
    ['a batch is refused', [], 400, -32600],
    ['what is not JSON is refused', '{', 400, -32700],
  ])('%s', async (_, body, status, code) => {
    const { endpoint, url } = await open()
    const told = await ask(url, { body })
    expect(told.status).toBe(status)
    if (code !== undefined) expect(jsonOf(told)).toMatchObject({ error: { code } })
    expect(endpoint.asked).toEqual([])
  })

  it('is a POST', async () => {
    const { url } = await open()
    expect(await ask(url)).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  })

  it('whose inside is not JSON is told so when the endpoint refuses it', async () => {
    const { url } = await open()
    const told = await ask(url, { body: '{"jsonrpc":"2.0","id":1,"method":"m","params":[,]}' })
    expect([told.status, jsonOf(told)]).toMatchObject([400, { id: 1, error: { code: -32700 } }])
  })
})

describe('a call that takes too long', () => {
  it('is answered 504, and the endpoint is told that nobody waits', async () => {
    const { endpoint, gateway, url } = await open(() => undefined, 100)
    const told = await ask(url, { body: aRequest('a', 'slow') })
    expect([told.status, jsonOf(told)]).toMatchObject([504, { id: 'a', error: { code: -31504 } }])
    await expect.poll(() => endpoint.by('notifications/cancelled').length).toBe(1)
    const requestId = endpoint.by('slow')[0]?.message.id
    expect(endpoint.by('notifications/cancelled')[0]?.message.params).toEqual({ requestId })
    expect(gateway.calls()).toMatchObject([{ outcome: 'DEADLINE_PASSED', method: 'slow' }])
  })

  it('has the time that its address gives it', async () => {
    const { url } = await open(() => undefined)
    const told = await ask(`${url}/timeout/1`, { body: aRequest(1, 'slow') })
    expect(told.status).toBe(504)
    expect(told.text).toContain('within 1 s')
  })

  it.each(['0', '2073601', 'soon'])(
    'is refused where its address gives it a time that is none (%s)',
    async (seconds) => {
      const { endpoint, url } = await open()
      const told = await ask(`${url}/timeout/${seconds}`, { body: aRequest(1, 'ping') })
      expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32600 } }])
      expect(told.text).toContain('/timeout/ takes a whole number of seconds from 1 to 2073600')
      expect(endpoint.by('ping')).toEqual([])
    },
  )

  it('and whose client leaves is given up', async () => {
    const { endpoint, gateway, url } = await open(() => undefined)
    const leaving = new AbortController()
    const asking = ask(url, { body: aRequest(1, 'slow'), signal: leaving.signal })
    asking.catch(() => undefined)
    await expect.poll(() => endpoint.by('slow').length).toBe(1)
    leaving.abort()
    await expect.poll(() => endpoint.by('notifications/cancelled').length).toBe(1)
    expect(gateway.calls()).toMatchObject([{ status: 499, outcome: 'CLIENT_LEFT' }])
  })
})

describe('an endpoint that forgot the session', () => {
  it('is initialised once more, and every call is answered', async () => {
    const { endpoint, url } = await open()
    await ask(url, { body: aRequest(0, 'ping') })
    endpoint.forget()
    const calls = Array.from({ length: 20 }, (_, n) =>
      ask(url, { body: aRequest(n, 'tools/call', { n }) }),
    )
    for (const [n, told] of (await Promise.all(calls)).entries()) {
      expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: n, result: { n } })
    }
    expect(endpoint.by('initialize')).toHaveLength(2)
  })

  it('again and again is an error, not a loop', async () => {
    const { endpoint, url } = await open(({ res }) => res.writeHead(404).end())
    const told = await ask(url, { body: aRequest(1, 'prompts/list') })
    expect([told.status, jsonOf(told)]).toMatchObject([404, { id: 1, error: { code: -32001 } }])
    expect(endpoint.by('prompts/list')).toHaveLength(2)
  })
})

describe('an endpoint that cannot be reached', () => {
  it('is passed over, and rests', async () => {
    const endpoint = await openEndpoint(echo)
    const dead = httpEndpoint(await deadUrl(), 10)
    const backends = [backendOf('weather', [dead, httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const url = `${gateway.url}/mcp/router/route/weather`
    for (const id of [1, 2, 3]) {
      expect((await ask(url, { body: aRequest(id, 'ping') })).status).toBe(200)
    }
    expect(gateway.router.stateOf(dead)).toBe('down')
    expect(gateway.calls().map(({ endpoint: id }) => id)).toEqual(Array(3).fill(endpoint.url))
  })

  it('is told as 503 when there is no other', async () => {
    const endpoints = [httpEndpoint(await deadUrl()), httpEndpoint(await deadUrl())]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const told = await ask(`${gateway.url}/mcp/router/route/weather`, { body: aRequest(1, 'ping') })
    expect([told.status, jsonOf(told)]).toMatchObject([503, { id: 1, error: { code: -31503 } }])
  })

  it('after it took the call is not repeated elsewhere', async () => {
    const hits: unknown[] = []
    const breaking = (asked: Asked): void => {
      hits.push(asked.message.id)
      asked.res.destroy()
    }
    const [a, b] = [await openEndpoint(breaking), await openEndpoint(breaking)]
    const endpoints = [httpEndpoint(a.url), httpEndpoint(b.url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const told = await ask(`${gateway.url}/mcp/router/route/weather`, {
      body: aRequest(1, 'write'),
    })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, error: { code: -31001 } }])
    expect(hits).toHaveLength(1)
    expect(gateway.calls()).toMatchObject([
      { outcome: 'OUTCOME_UNKNOWN', reason: expect.stringMatching(/closed the connection/) },
    ])
  })
})

it('a call of an unknown server is logged with the name that was asked for, bounded', async () => {
  const gateway = await openGateway({ backends: [] })
  const name = 'n'.repeat(300)
  await ask(`${gateway.url}/mcp/router/route/${name}`, { body: aRequest(1, 'ping') })
  expect(gateway.calls()).toMatchObject([
    { backend: '', requested: name.slice(0, 100), reason: expect.any(String) },
  ])
})

it('a call of a server whose entry has a mistake is logged with its name', async () => {
  const gateway = await openGateway({ backends: [], problems: new Map([['wrong', ['no url']]]) })
  await ask(`${gateway.url}/mcp/router/route/wrong`, { body: aRequest(1, 'ping') })
  expect(gateway.calls()).toMatchObject([{ backend: 'wrong', outcome: 'BACKEND_MISCONFIGURED' }])
})
