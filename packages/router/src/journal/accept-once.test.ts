import type { AcceptedCall, Journal } from '@mcp-router/store'
import { describe, expect, it, vi } from 'vitest'
import { backendOf, httpEndpoint } from '../testing/backend.js'
import { aRequest, ask, jsonOf } from '../testing/client.js'
import { openEndpoint } from '../testing/endpoint.js'
import type { Asked } from '../testing/endpoint.js'
import { openGateway, openStore } from '../testing/gateway.js'

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

/** Two Instances, whose Journal does what a test wants. */
const open = async (change: (journal: Journal) => Partial<Journal> = () => ({})) => {
  const endpoint = await openEndpoint(answer)
  const backends = [backendOf('files', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const journal = { ...store.journal, ...change(store.journal) }
  const accept = vi.spyOn(journal, 'accept')
  const forget = vi.spyOn(journal, 'forget')
  const finish = vi.spyOn(journal, 'finish')
  const [one, other] = await Promise.all(
    ['router-instance-1', 'router-instance-2'].map((instance) =>
      openGateway({ backends, store: { ...store, journal }, instance }),
    ),
  )
  const call = (name: string, { id = 1, at = one!, requestId = 'r-1' } = {}) =>
    ask(`${at.url}/mcp/router/route/files`, {
      headers: requestId === '' ? {} : { 'x-request-id': requestId },
      body: aRequest(id, 'tools/call', { name, arguments: {} }),
    })
  return {
    endpoint,
    journal,
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

  it.each(['read', 'put'])('is not noted where it may run twice (%s)', async (name) => {
    const { accept, call } = await open()
    expect(jsonOf(await call(name))).toMatchObject(ran)
    expect(accept).not.toHaveBeenCalled()
  })

  it('does not run where another instance has noted it: the client hears what is known', async () => {
    let first: AcceptedCall | undefined
    const {
      journal,
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
    await journal.finish('r-1', {
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
        if (++tries === 1) throw new Error('the connection broke behind it')
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
