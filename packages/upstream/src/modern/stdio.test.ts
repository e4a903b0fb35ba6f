import { metaKeys } from '@mcp-router/protocol'
import {
  aRequest,
  backendOf,
  createEvents,
  createModernHeard,
  nodeEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openStdioUpstream } from '../stdio/upstream.js'
import { StdioChannel } from './stdio.js'

/**
 * A server that does what a tool call's `do` says, an expression over `message`, `say`, `answer` and `seen`, all that it was sent; a
 * request without is answered with its own id.
 */
const script = `
  const seen = []
  const write = (body) => console.log(JSON.stringify({ jsonrpc: '2.0', ...body }))
  const say = (method, params) => write({ method, params })
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line)
    seen.push(message)
    if (message.id === undefined) return
    const answer = (result) => write({ id: message.id, result })
    const meta = message.params._meta ?? {}
    if (message.params.do) eval(message.params.do)
    else answer({ id: message.id, pid: process.pid })
  })`

const open = (idleMs = 60_000) => {
  const endpoint = nodeEndpoint(script)
  const backend = backendOf(endpoint)
  const events = createEvents()
  const channel = new StdioChannel(
    (listener) => openStdioUpstream({ endpoint, backend, listener, events, env: process.env }),
    idleMs,
  )
  onTestFinished(() => channel.close())
  const send = (id: string | number, what = '', params: object = {}, method = 'tools/call') => {
    const heard = createModernHeard()
    const message = aRequest(id, method, { ...params, ...(what && { do: what }) })
    return { ...heard, call: channel.request(message, [], heard) }
  }
  const actions = () =>
    events.all.flatMap((event) => (event.kind === 'upstream' ? [event.action] : []))
  return { channel, send, actions }
}

describe('many callers of one child', () => {
  it('get their own answers under their own ids, in whichever order they come', async () => {
    const { send, actions } = open()
    const late = send(1, `globalThis.late = () => answer({ it: 'late' })`)
    const text = send('1', `answer({ it: 'text' })`)
    const other = send(1, `answer({ it: 'other' }); globalThis.late()`)
    expect(await text.next()).toEqual({ jsonrpc: '2.0', id: '1', result: { it: 'text' } })
    expect(await other.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { it: 'other' } })
    expect(await late.next()).toEqual({ jsonrpc: '2.0', id: 1, result: { it: 'late' } })
    expect(actions()).toEqual(['opened'])
  })

  it('hear of the progress of their own calls, with the token as they wrote it', async () => {
    const { send } = open()
    const asking = (progressToken: unknown) => ({ _meta: { progressToken } })
    const tell = `say('notifications/progress', { progressToken: meta.progressToken, progress: 1 })`
    const first = send(1, `globalThis.tell = () => { ${tell} }`, asking('7'))
    const second = send(2, `${tell}; globalThis.tell()`, asking(7))
    const none = send(
      3,
      `say('notifications/progress', { progressToken: 3, progress: 1 }); answer({})`,
    )
    expect(await first.next()).toMatchObject({ params: { progressToken: '7', progress: 1 } })
    expect(await second.next()).toMatchObject({ params: { progressToken: 7, progress: 1 } })
    expect(await none.next()).toMatchObject({ id: 3 })
    expect([first.all, second.all].map((each) => each.length)).toEqual([1, 1])
  })

  it('hear log messages as the newest call that asked for any, never as a listen', async () => {
    const { send } = open()
    const logs = { _meta: { [metaKeys.logLevel]: 'info' } }
    const older = send(1, '0', logs)
    const newer = send(2, '0', logs)
    const listen = send(3, '0', logs, 'subscriptions/listen')
    const quiet = send(4, `say('notifications/message', { data: 'x' }); answer({})`)
    expect(await newer.next()).toMatchObject({ method: 'notifications/message' })
    expect(await quiet.next()).toMatchObject({ id: 4 })
    expect([...older.all, ...listen.all]).toEqual([])
  })

  it('are not disturbed by a child that says what is no JSON, of no call, or asks', async () => {
    const { send, actions } = open()
    const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[,]}}`
    const { next } = send(
      1,
      `console.log(${JSON.stringify(progress)}); write({ id: 99, result: {} }); write({ id: null, error: {} })
       write({ id: 'x', method: 'ping' }); say('notifications/tools/list_changed'); answer({})`,
    )
    expect(await next()).toMatchObject({ id: 1, result: {} })
    expect(actions()).toEqual(['opened'])
  })
})

describe('a listen over stdio', () => {
  const tag = `_meta: { '${metaKeys.subscriptionId}': message.id }`

  it.each(['mine', 5])(
    'is told, and ended, under the id %j that its caller gave it',
    async (id) => {
      const { send } = open()
      const { next } = send(
        id,
        `say('notifications/subscriptions/acknowledged', { notifications: {}, ${tag} })
       say('notifications/tools/list_changed', { ${tag} })
       answer({ resultType: 'complete', ${tag} })`,
        {},
        'subscriptions/listen',
      )
      const meta = { [metaKeys.subscriptionId]: id }
      expect(await next()).toMatchObject({ params: { notifications: {}, _meta: meta } })
      expect(await next()).toMatchObject({
        method: 'notifications/tools/list_changed',
        params: { _meta: meta },
      })
      expect(await next()).toMatchObject({ id, result: { resultType: 'complete', _meta: meta } })
    },
  )

  it('ends with a result when the server says that it is cancelled', async () => {
    const { send } = open()
    const cancel = `say('notifications/cancelled', { requestId: message.id })`
    const call = send('call', cancel)
    const listen = send('mine', cancel, {}, 'subscriptions/listen')
    expect(await listen.next()).toEqual({
      jsonrpc: '2.0',
      id: 'mine',
      result: { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: 'mine' } },
    })
    expect(call.all).toEqual([])
  })
})

describe('a request over stdio that is given up', () => {
  it('is cancelled at the server, and its answer goes nowhere', async () => {
    const { send } = open()
    const given = send('given up', `globalThis.late = () => answer({})`)
    await send(1).next()
    given.call.abort()
    given.call.abort()
    const { next } = send(2, `globalThis.late(); answer({ seen })`)
    const { result } = (await next()) as { result: { seen: { id?: number; method: string }[] } }
    const [first] = result.seen
    expect(result.seen.filter(({ method }) => method === 'notifications/cancelled')).toEqual([
      expect.objectContaining({ params: { requestId: first?.id } }),
    ])
    expect(given.all).toEqual([])
  })
})

describe('the child of a channel', () => {
  it('that exits fails what is under way, and the next request starts another', async () => {
    const { send, actions } = open()
    await send(0).next()
    const waiting = send(1, '0')
    const killing = send(2, 'process.exit(3)')
    expect(await waiting.next()).toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(await killing.next()).toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(await send(3).next()).toMatchObject({ id: 3 })
    expect(actions()).toEqual(['opened', 'lost', 'opened'])
  })

  it('is started for the first request only, and ended when nobody calls for a while', async () => {
    const { send, actions } = open(20)
    expect(actions()).toEqual([])
    expect(await send(1).next()).toMatchObject({ id: 1 })
    await vi.waitUntil(() => actions().includes('closed'))
    expect(await send(2).next()).toMatchObject({ id: 2 })
    expect(actions().filter((each) => each === 'opened')).toHaveLength(2)
  })

  it('is not ended while a call is under way', async () => {
    const { send } = open(20)
    const leaving = `process.stdin.on('end', () => answer({ it: 'its input ended' }))`
    const { next } = send(1, `${leaving}; setTimeout(() => answer({ it: 'done' }), 200)`)
    expect(await send(2).next()).toMatchObject({ id: 2 })
    expect(await next()).toMatchObject({ result: { it: 'done' } })
  })

  it('that was too idle may take its time to leave: calls meanwhile are with the next', async () => {
    const { send, actions } = open(20)
    // It stays for a while after its input has ended, and a call begins at another in that time.
    await send(1, `process.stdin.on('end', () => setTimeout(() => 0, 300)); answer({})`).next()
    await vi.waitUntil(async () => {
      const { result } = (await send(2).next()) as { result: { id: number } }
      return result.id > 1 && actions().filter((each) => each === 'opened').length === 2
    })
    const { next } = send(3, `setTimeout(() => answer({}), 600)`)
    expect(await next()).toMatchObject({ id: 3 })
    expect(actions()).toContain('closed')
  })

  it('is ended by close, which fails what is under way and what comes', async () => {
    const { channel, send, actions } = open()
    await send(0).next()
    const waiting = send(1, '0')
    await channel.close()
    await expect.poll(actions).toEqual(['opened', 'closed'])
    expect(waiting.all).toEqual([expect.any(Error)])
    expect(await send(2).next()).toBeInstanceOf(Error)
  })
})

it('a command that cannot be started fails the request, and is tried again', async () => {
  let tries = 0
  const channel = new StdioChannel(() => Promise.reject(new Error(`try ${++tries}`)), 60_000)
  const heard = createModernHeard()
  channel.request(aRequest(1), [], heard)
  expect(await heard.next()).toMatchObject({ message: 'try 1' })
  channel.request(aRequest(1), [], heard)
  expect(await heard.next()).toMatchObject({ message: 'try 2' })
})
