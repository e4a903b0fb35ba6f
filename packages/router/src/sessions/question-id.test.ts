import { scanMessage } from '@mcp-router/protocol'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openAsker, openRootsCommand } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import { marked, unmarked } from './question-id.js'

const message = (body: object) => scanMessage(Buffer.from(JSON.stringify(body)))
const read = (said: { readonly bytes: Buffer } | undefined): unknown =>
  said && JSON.parse(said.bytes.toString('utf8'))

describe('what a session at a server asks', () => {
  it.each([1, 'q', '"é~"', 'mcp-router-asked~x~1'])('is answered under its own id (%j)', (id) => {
    const question = marked(message({ jsonrpc: '2.0', id, method: 'roots/list' }), 's-1')
    const { id: shown } = read(question) as { id: string }
    expect(shown).not.toBe(id)
    const answer = message({ jsonrpc: '2.0', id: shown, result: { roots: [] } })
    const own = { jsonrpc: '2.0', id, result: { roots: [] } }
    expect(read(unmarked(answer, 's-1'))).toEqual(own)
    expect(read(unmarked(answer, 'another', 's-1'))).toEqual(own)
    expect(unmarked(answer, 's-2', '')).toBeUndefined()
  })

  it('is taken back under the id that the client knows', () => {
    const params = { requestId: 7, reason: 'enough' }
    const method = 'notifications/cancelled'
    const said = marked(message({ jsonrpc: '2.0', method, params }), 's-1')
    const taken = { requestId: askedId(7), reason: 'enough' }
    expect(read(said)).toEqual({ jsonrpc: '2.0', method, params: taken })
  })

  it.each([
    '1,"method":"tools/call","params":{"name":"echo"}',
    '1,"result":{"roots":[]}',
    '{}',
    'null',
    '1.5',
    ' ',
    '',
  ])('is no id and nothing else behind the mark: %s', (id) => {
    const question = marked(message({ jsonrpc: '2.0', id: 7, method: 'roots/list' }), 's-1')
    const { id: shown } = read(question) as { id: string }
    const spoilt = shown.replace(/7$/, id)
    const answer = message({ jsonrpc: '2.0', id: spoilt, result: { roots: [] } })
    expect(unmarked(answer, 's-1')).toBeUndefined()
  })

  it('stays what it is where nothing names the session, and so does all else', () => {
    const question = message({ jsonrpc: '2.0', id: 1, method: 'roots/list' })
    expect(marked(question, '')).toBe(question)
    const others = [
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1 } },
      { jsonrpc: '2.0', id: 'mcp-router-asked~', method: 'ping' },
      { jsonrpc: '2.0', id: 'mine', result: {} },
    ]
    for (const each of others.map(message)) expect(unmarked(each, 's-1')).toBe(each)
    const progress = message(others[0]!)
    expect(marked(progress, 's-1')).toBe(progress)
  })
})

const both = { accept: 'application/json, text/event-stream' }
const answerTo = (id: unknown, roots: string) => ({ jsonrpc: '2.0', id, result: { roots } })

describe('the answer to what an earlier session of the server had asked', () => {
  it('is given to no call of the next one (http)', async () => {
    const asker = await openAsker(async (call) => {
      // Counts from one in each session, as servers of the official SDK do.
      const { result } = await call.ask('roots/list', undefined, 'q-1')
      call.end({ heard: result })
    })
    const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(asker.url)])] })
    const url = `${gateway.url}/mcp/web`
    const { headers } = await initialize(url)
    const call = (id: number) => ({ headers: { ...headers, ...both }, body: aRequest(id, 'ask') })
    const first = await follow(url, call(1))
    const early = await first.message()
    asker.forget()
    const second = await follow(url, call(2))
    const late = await second.message()
    expect([early.id, late.id]).toEqual([askedId('q-1'), askedId('q-1')])
    expect((await ask(url, { headers, body: answerTo(early.id, 'first') })).status).toBe(202)
    expect((await ask(url, { headers, body: answerTo(late.id, 'second') })).status).toBe(202)
    expect(await second.message()).toMatchObject({ id: 2, result: { heard: { roots: 'second' } } })
  })

  it('is told by where the session is now, though the instance that gets it heard nothing of that', async () => {
    const asker = await openAsker(async (call) => {
      const { result } = await call.ask('roots/list', undefined, 'q-1')
      call.end({ heard: result })
    })
    const backends = [backendOf('web', [httpEndpoint(asker.url)])]
    const store = openStore()
    const a = `${(await openGateway({ backends, store })).url}/mcp/web`
    const b = `${(await openGateway({ backends, store, instance: 'router-instance-2' })).url}/mcp/web`
    const { headers } = await initialize(a)
    await ask(b, { headers, body: aRequest(0, 'tools/list') })
    asker.forget()
    const call = await follow(a, { headers: { ...headers, ...both }, body: aRequest(1, 'ask') })
    const { id } = await call.message()
    expect((await ask(b, { headers, body: answerTo(id, 'own') })).status).toBe(202)
    expect(await call.message()).toMatchObject({ id: 1, result: { heard: { roots: 'own' } } })
  })

  it('is given to no call of the next process (stdio)', async () => {
    const gateway = await openGateway({
      backends: [backendOf('local', [(await openRootsCommand()).endpoint])],
    })
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const call = (id: number) => ({ headers: { ...headers, ...both }, body: aRequest(id, 'ask') })
    const early = await (await follow(url, call(1))).message()
    await ask(url, { headers, body: aRequest(9, 'crash') })
    const second = await follow(url, call(2))
    const late = await second.message()
    expect((await ask(url, { headers, body: answerTo(early.id, 'first') })).status).toBe(202)
    expect((await ask(url, { headers, body: answerTo(late.id, 'second') })).status).toBe(202)
    expect(await second.message()).toMatchObject({ id: 2, result: { heard: { roots: 'second' } } })
  })
})
