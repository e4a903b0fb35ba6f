import { RouterError } from '@mcp-router/core'
import type { LoggedCall, CallLog } from '@mcp-router/store'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it, vi } from 'vitest'

const tools = [
  { name: 'read', annotations: { readOnlyHint: true } },
  { name: 'put', annotations: { idempotentHint: true } },
  { name: 'append' },
]

const answer = (asked: Asked): void => {
  const result = asked.message.method === 'tools/list' ? { tools } : { ran: true }
  asked.res.writeHead(200, { 'content-type': 'application/json' })
  asked.res.end(JSON.stringify({ jsonrpc: '2.0', id: asked.message.id, result }))
}

/** Two Instances, whose CallLog does what a test wants. */
const open = async (
  change: (callLog: CallLog) => Partial<CallLog> = () => ({}),
  serve: (asked: Asked) => void = answer,
) => {
  const endpoint = await openEndpoint(serve)
  const backends = [backendOf('files', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const callLog = { ...store.callLog, ...change(store.callLog) }
  const accept = vi.spyOn(callLog, 'accept')
  const forget = vi.spyOn(callLog, 'release')
  const finish = vi.spyOn(callLog, 'finish')
  const [one, other] = await Promise.all(
    ['router-instance-1', 'router-instance-2'].map((instance) =>
      openGateway({ backends, store: { ...store, callLog }, instance }),
    ),
  )
  const call = (name: string, { id = 1, at = one!, requestId = 'r-1', again = false } = {}) =>
    ask(`${at.url}/mcp/router/route/files`, {
      headers: {
        ...(requestId !== '' && { 'x-request-id': requestId }),
        ...(again && { 'x-mcp-router-again': '1' }),
      },
      body: aRequest(id, 'tools/call', { name, arguments: {} }),
    })
  const url = `${one!.url}/mcp/files`
  const list = (headers: Record<string, string> = {}) => {
    const path = Object.keys(headers).length === 0 ? '/mcp/router/route/files' : '/mcp/files'
    return ask(one!.url + path, { headers, body: aRequest(0, 'tools/list') })
  }
  return {
    list,
    headers: async () => (await initialize(url)).headers,
    endpoint,
    callLog,
    accept,
    forget,
    finish,
    other: other!,
    call,
    ran: () => endpoint.by('tools/call').length,
  }
}

const ran = { id: 1, result: { ran: true } }
const unknown = {
  id: 1,
  error: { code: -31001, data: { requestId: 'r-1', tool: 'append', repeated: false } },
}

describe('a call that may come again', () => {
  it('is noted before it is sent, and for a while after it was answered', async () => {
    const { accept, finish, call, ran: runs } = await open()
    expect(jsonOf(await call('append'))).toEqual({ jsonrpc: '2.0', ...ran })
    await expect.poll(() => finish.mock.calls).toMatchObject([['r-1', {}, 30_000]])
    expect(accept).toHaveBeenCalledOnce()
    expect(runs()).toBe(1)
  })

  it.each([
    ['an answer of the client', { jsonrpc: '2.0', id: 'q-1', result: {} }],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/progress', params: {} }],
  ])(
    'is passed on where it is %s, though the store is away: twice does no harm',
    async (_, body) => {
      const { headers, other, endpoint } = await open(() => ({
        accept: () => Promise.reject(new Error('away')),
      }))
      const session = { ...(await headers()), 'x-request-id': 'r-1' }
      for (const again of [{}, { 'x-mcp-router-again': '1' }]) {
        const told = await ask(`${other.url}/mcp/files`, {
          headers: { ...session, ...again },
          body,
        })
        expect(told.status).toBe(202)
      }
      const passed = endpoint.asked.filter(({ text }) => text === JSON.stringify(body))
      expect(passed).toHaveLength(2)
    },
  )

  it.each(['read', 'put'])('is not noted where it may run twice (%s)', async (name) => {
    const { accept, call, list } = await open()
    await list()
    expect(jsonOf(await call(name))).toMatchObject(ran)
    expect(accept).not.toHaveBeenCalled()
  })

  it.each(['a client with a session', 'a call'])(
    'is known by the tools that %s has listed',
    async (way) => {
      const { endpoint, accept, call, list, headers } = await open()
      await list(way === 'a call' ? {} : await headers())
      await call('append')
      expect(accept).toHaveBeenCalledOnce()
      await call('read', { requestId: 'r-2' })
      expect(accept).toHaveBeenCalledOnce()
      expect(endpoint.by('tools/list')).toHaveLength(1)
    },
  )

  it('does not wait for its server to list tools', async () => {
    const lists: Asked[] = []
    const { accept, call } = await open(undefined, (asked) =>
      asked.message.method === 'tools/list' ? void lists.push(asked) : answer(asked),
    )
    const begun = performance.now()
    expect(jsonOf(await call('read'))).toMatchObject(ran)
    // A list that somebody waits for is given up after two seconds.
    expect(performance.now() - begun).toBeLessThan(1_500)
    expect(accept).toHaveBeenCalledOnce()
    lists.forEach(answer)
  })

  it('does not wait for the store where its server says that it may run twice', async () => {
    const { call } = await open(() => ({ accept: () => new Promise(() => undefined) }))
    expect(jsonOf(await call('read'))).toMatchObject(ran)
  })

  it('does not run where another instance has noted it: the client hears what is known', async () => {
    let first: LoggedCall | undefined
    const {
      callLog,
      other,
      call,
      ran: runs,
    } = await open((real) => ({
      async accept(id, each) {
        first ??= each
        return real.accept(id, each)
      },
    }))
    await call('append')
    expect(jsonOf(await call('append', { at: other }))).toMatchObject(unknown)
    await callLog.finish('r-1', {
      ...first!,
      response: '{"jsonrpc":"2.0","id":1,"result":{"kept":true}}',
    })
    expect(jsonOf(await call('append', { at: other }))).toMatchObject({ result: { kept: true } })
    expect(runs()).toBe(1)
  })

  it('runs where its id was given to another one before', async () => {
    const { other, call, ran: runs } = await open()
    await call('append')
    expect(jsonOf(await call('append', { at: other, id: 2 }))).toMatchObject({
      id: 2,
      result: { ran: true },
    })
    expect(runs()).toBe(2)
  })

  it('runs once although it comes twice at the same time', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.now())
    const { call, ran: runs } = await open()
    const answers = await Promise.all([call('append'), call('append')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(runs()).toBe(1)
    vi.restoreAllMocks()
  })

  it('waits for a store that is away for a moment, and knows a note that was taken meanwhile', async () => {
    let tries = 0
    const { call, ran: runs } = await open((real) => ({
      async accept(id, each) {
        const known = await real.accept(id, each)
        if (++tries === 1) throw new RouterError('STORE_UNAVAILABLE', { reason: 'it closed' })
        return known
      },
    }))
    expect(jsonOf(await call('append'))).toMatchObject(ran)
    expect([tries, runs()]).toEqual([2, 1])
  })
})

it('a call that cannot come again is not noted', async () => {
  const { accept, call } = await open()
  expect(jsonOf(await call('append', { requestId: '' }))).toMatchObject(ran)
  expect(accept).not.toHaveBeenCalled()
})

it('a call whose client left while it was noted does not run, and leaves no note', async () => {
  let noted: (() => void) | undefined
  const { endpoint, forget, other } = await open((real) => ({
    async accept(id, each) {
      const known = await real.accept(id, each)
      await new Promise<void>((resolve) => (noted = resolve))
      return known
    },
  }))
  const leaving = new AbortController()
  const left = ask(`${other.url}/mcp/router/route/files`, {
    headers: { 'x-request-id': 'r-1' },
    body: aRequest(1, 'tools/call', { name: 'append' }),
    signal: leaving.signal,
  })
  left.catch(() => undefined)
  await expect.poll(() => noted).toBeDefined()
  leaving.abort()
  await expect.poll(() => other.router.calls()).toBe(0)
  noted!()
  await expect.poll(() => forget.mock.calls).toEqual([['r-1']])
  expect(endpoint.by('tools/call')).toEqual([])
})

describe('a call that may run twice, and comes again because its instance is gone', () => {
  const again = true

  it('runs once more, and no third time', async () => {
    const { other, call, ran: runs } = await open()
    expect(jsonOf(await call('read'))).toMatchObject(ran)
    expect(jsonOf(await call('read', { again }))).toMatchObject(ran)
    expect(jsonOf(await call('read', { again, at: other }))).toMatchObject({
      id: 1,
      error: {
        code: -31001,
        message: expect.stringContaining('it was retried once, with the same outcome'),
        data: { requestId: 'r-1', tool: 'read', repeated: true },
      },
    })
    expect(runs()).toBe(2)
  })

  it('does not run where it must not run twice and the store is away', async () => {
    const { call, ran: runs } = await open(() => ({
      accept: () => Promise.reject(new Error('away')),
    }))
    expect(jsonOf(await call('append', { again }))).toMatchObject(unknown)
    expect(jsonOf(await call('read', { again }))).toMatchObject(ran)
    expect(runs()).toBe(1)
  })

  it('does so, too, where the first instance did not know yet that it may', async () => {
    const { callLog, other, call, ran: runs } = await open()
    // As it was noted while nobody knew the tools.
    const { digest } = await noteOf(callLog, () => call('read', { again }))
    await callLog.finish('r-1', { instance: 'gone' as never, at: 1, digest })
    expect(jsonOf(await call('read', { again, at: other }))).toMatchObject(ran)
    expect(jsonOf(await call('read', { again }))).toMatchObject({ error: { code: -31001 } })
    expect(runs()).toBe(2)
  })

  const noteOf = async (callLog: CallLog, act: () => Promise<unknown>): Promise<LoggedCall> => {
    await act()
    const note = await callLog.accept('r-1', { instance: 'x' as never, at: 0, digest: '' })
    return note!
  }
})
