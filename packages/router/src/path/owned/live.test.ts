import { RouterError } from '@mcp-router/core'
import { createSseDecoder, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Upstream } from '@mcp-router/upstream'
import { describe, expect, it, vi } from 'vitest'
import { LiveSession } from './live.js'
import { noLimits } from '../../sessions/sessions.fixture.js'
import { Replays } from '../../streams/replays.js'
import type { RepeatableReply, Reply } from '../../outlet/reply.js'
import type { Stream } from '../../outlet/stream.js'

const message = (value: object): Message =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...value })))
const said = (n: number): Message => message({ method: 'notifications/said', params: { n } })

const callOf = (id: number) => ({
  entry: `1.${id}`,
  callId: '',
  requestId: String(id),
  generation: 0,
})

/** A Stream that keeps what is written to it. */
const openStream = () => {
  const written: unknown[] = []
  let open = true
  const decoder = createSseDecoder(({ data }) => written.push(JSON.parse(data.toString())))
  const stream: Stream = {
    message: () => undefined,
    frame: (frame) => decoder.push(frame),
    end: () => void (open = false),
    isOpen: () => open,
  }
  return { stream, written, isOpen: () => open }
}

const openReply = (id: string) => {
  const isAway = vi.fn(() => false)
  const reply = { id, say: vi.fn(), answer: vi.fn(), fail: vi.fn(), isAway } satisfies Reply
  return { reply, said: () => reply.say.mock.calls.length }
}

const upstreamOf = (send: Upstream['send']): Upstream => ({
  send,
  pass: () => undefined,
  cancel: () => undefined,
  listen: () => undefined,
  close: () => Promise.resolve(),
})

const open = (send: Upstream['send'] = () => Promise.resolve()) => {
  const sent: Message[] = []
  const onBroken = vi.fn()
  const hooks = {
    onLost: vi.fn(),
    onMissing: vi.fn(() => Promise.resolve()),
    onForgotten: vi.fn(() => Promise.resolve()),
    repeats: vi.fn(() => onBroken),
    onDelivered: vi.fn(),
    onUndelivered: vi.fn(),
    onAgreed: vi.fn(),
  }
  const live = new LiveSession('local', hooks, new Replays(), noLimits)
  const [listen, close] = [vi.fn(), vi.fn(() => Promise.resolve())]
  const through: Upstream['send'] = (each) => {
    sent.push(each)
    return send(each)
  }
  live.connect({ ...upstreamOf(through), listen, close })
  return { live, sent, hooks, onBroken, listen, close }
}

describe('progress', () => {
  const progress = (progressToken: unknown): Message =>
    message({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
  const call = (id: number, params: object): Message =>
    message({ id, method: 'tools/call', params })

  it('goes to the call that asked for it, while that is under way', async () => {
    const { live } = open()
    const [{ stream, written }, { reply }] = [openStream(), openReply('1')]
    live.attach(stream, 'plain')
    await live.request(call(1, { _meta: { progressToken: 't' } }), reply)
    for (const token of ['t', 'other', 1, undefined]) live.onMessage(progress(token))
    live.release(reply)
    live.onMessage(progress('t'))
    expect(reply.say.mock.calls).toMatchObject([[progress('t')]])
    expect(written).toEqual([])
  })

  it('of a request that was answered 202 comes on the stream, until the answer', () => {
    const { live } = open()
    const { stream, written } = openStream()
    live.attach(stream, 'plain')
    live.pass(call(1, { _meta: { progressToken: 7 } }), callOf(1))
    live.onMessage(progress(8))
    live.onMessage(progress(7))
    live.onMessage(message({ id: 1, result: {} }))
    live.onMessage(progress(7))
    expect(written).toMatchObject([{ params: { progressToken: 7 } }, { id: 1 }])
  })

  it('of a task comes after the answer, too', () => {
    const { live } = open()
    const { stream, written } = openStream()
    live.attach(stream, 'plain')
    live.pass(call(1, { task: { ttl: 1 }, _meta: { progressToken: 7 } }), callOf(1))
    live.onMessage(message({ id: 1, result: { task: {} } }))
    live.onMessage(progress(7))
    expect(written).toMatchObject([{ id: 1 }, { params: { progressToken: 7 } }])
  })
})

describe('what the server says', () => {
  it('waits for the stream, the oldest of too much given up', () => {
    const { live } = open()
    for (let n = 1; n <= 300; n++) live.onMessage(said(n))
    const { stream, written } = openStream()
    live.attach(stream, 'plain')
    expect(written).toHaveLength(256)
    expect(written[0]).toMatchObject({ params: { n: 45 } })
    live.onMessage(said(301))
    expect(written.at(-1)).toMatchObject({ params: { n: 301 } })
  })

  it('waits again when the stream is gone', () => {
    const { live } = open()
    const [first, second] = [openStream(), openStream()]
    live.attach(first.stream, 'plain')
    live.replays.standalone.detach(first.stream)
    live.onMessage(said(1))
    live.attach(second.stream, 'plain')
    expect([first.written, second.written.length]).toEqual([[], 1])
  })

  it('goes to the call whose progress it is, else to the newest call', async () => {
    const { live } = open()
    const [older, newer] = [openReply('1'), openReply('2')]
    const params = { _meta: { progressToken: 'p' } }
    await live.request(message({ id: 1, method: 'm', params }), older.reply)
    await live.request(message({ id: 2, method: 'm' }), newer.reply)
    live.onMessage(message({ method: 'notifications/progress', params: { progressToken: 'p' } }))
    expect([older.said(), newer.said()]).toEqual([1, 0])
    live.onMessage(said(1))
    expect([older.said(), newer.said()]).toEqual([1, 1])
    live.release(newer.reply)
    live.onMessage(said(2))
    expect([older.said(), newer.said()]).toEqual([2, 1])
  })

  it('and is about no call goes where somebody listens, else waits with the newest call', async () => {
    const { live } = open()
    const [older, newer] = [openReply('1'), openReply('2')]
    for (const { reply } of [older, newer]) {
      await live.request(message({ id: Number(reply.id), method: 'm' }), reply)
    }
    newer.reply.isAway.mockReturnValue(true)
    live.onMessage(said(1))
    expect([older.said(), newer.said()]).toEqual([1, 0])
    older.reply.isAway.mockReturnValue(true)
    live.onMessage(said(2))
    expect([older.said(), newer.said()]).toEqual([1, 1])
    const { stream, written } = openStream()
    live.attach(stream, 'plain')
    live.onMessage(said(3))
    expect(written).toMatchObject([{ params: { n: 3 } }])
    live.onMessage(said(4), '2')
    expect([older.said(), newer.said()]).toEqual([1, 2])
  })

  it('as an answer goes to its own call', async () => {
    const { live } = open()
    const [number, text] = [openReply('1'), openReply('"1"')]
    await live.request(message({ id: 1, method: 'm' }), number.reply)
    await live.request(message({ id: '1', method: 'm' }), text.reply)
    live.onMessage(message({ id: '1', result: {} }))
    expect([number, text].map(({ reply }) => reply.answer.mock.calls.length)).toEqual([0, 1])
  })
})

describe('a message of the client', () => {
  it('that was accepted is answered on the stream, also when it could not be sent', async () => {
    const refused = new RouterError('NO_HEALTHY_ENDPOINT', { backend: 'local' })
    const { live, hooks } = open((each) =>
      each.id === '2' ? Promise.reject(refused) : Promise.resolve(),
    )
    hooks.onForgotten.mockRejectedValue(refused)
    const { stream, written } = openStream()
    live.attach(stream, 'plain')
    live.pass(message({ id: 1, method: 'm' }), callOf(1))
    live.pass(message({ id: 2, method: 'm' }), callOf(2))
    live.onMessage(message({ id: 1, result: {} }))
    await vi.waitUntil(() => written.length === 2)
    expect(written).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -31503 } },
    ])
  })

  it('that comes when it was let go of is left to whoever has the session now', async () => {
    const { live, sent } = open()
    await live.handOver()
    const abandon = vi.fn()
    const { reply } = openReply('1')
    await live.request(message({ id: 1, method: 'm' }), { ...reply, abandon })
    expect([sent, abandon.mock.calls.length, reply.fail.mock.calls.length]).toEqual([[], 1, 0])
  })

  it('that comes when the server has just ended waits for one that is ready, and is failed by none before', async () => {
    const { live, hooks, sent } = open()
    live.onClose(undefined)
    const { reply } = openReply('1')
    const next = upstreamOf((each) => Promise.resolve(void sent.push(each)))
    hooks.onMissing.mockImplementation(() => {
      live.begin(next)
      live.onClose(undefined)
      live.connect(next)
      return Promise.resolve()
    })
    await live.request(message({ id: 1, method: 'm' }), reply)
    expect([sent.length, reply.fail.mock.calls]).toEqual([1, []])
    live.onMessage(message({ id: 1, result: {} }))
    expect(reply.answer).toHaveBeenCalledOnce()
  })

  it('that no server has taken is sent again, also where the next one goes, too', async () => {
    let refusals = 2
    const refused = new RouterError('NO_HEALTHY_ENDPOINT')
    const { live, hooks, sent } = open(() =>
      refusals-- > 0 ? Promise.reject(refused) : Promise.resolve(),
    )
    await live.notify(message({ id: 1, method: 'm' }))
    expect([sent.length, hooks.onForgotten.mock.calls.length]).toEqual([3, 2])
    refusals = 9
    await expect(live.notify(message({ id: 2, method: 'm' }))).rejects.toBe(refused)
    expect(sent.length).toBe(6)
  })

  it('that says initialized starts the listening', async () => {
    const { live, listen } = open()
    await live.notify(message({ method: 'notifications/initialized' }))
    expect(listen).toHaveBeenCalledOnce()
  })

  it('that is initialize tells the revision that was agreed on', async () => {
    const { live, hooks } = open()
    await live.notify(message({ id: 0, method: 'initialize' }))
    live.onMessage(message({ id: 0, result: { protocolVersion: '2025-06-18' } }))
    expect(hooks.onAgreed).toHaveBeenCalledExactlyOnceWith({
      revision: '2025-06-18',
      backendSessionId: '',
      cookies: '',
    })
  })
})

describe('the end', () => {
  it('of the upstream is told to every call under way, and the stream stays', async () => {
    const { live, hooks, onBroken } = open()
    const { stream, written, isOpen } = openStream()
    const call = openReply('1')
    live.attach(stream, 'plain')
    await live.request(message({ id: 1, method: 'm' }), call.reply)
    live.pass(message({ id: 2, method: 'm' }), callOf(2))
    live.onClose(new Error('exited with 1'))
    expect(call.reply.fail.mock.calls[0]?.[0]).toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(onBroken.mock.calls).toMatchObject([[{ code: 'UPSTREAM_FAILED' }, { id: '2' }]])
    expect(written).toEqual([])
    expect([isOpen(), live.isReady()]).toEqual([true, false])
    expect(hooks.onLost).toHaveBeenCalledOnce()
    await expect(live.notify(said(1))).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
  })

  it('of the upstream and then of the conversation leaves nothing to be sent again', () => {
    const { live, onBroken } = open()
    live.pass(message({ id: 2, method: 'm' }), callOf(2))
    live.onClose(new Error('exited with 1'))
    live.outlet.restart()
    expect((onBroken.mock.calls[0]?.[1] as RepeatableReply).isOver()).toBe(true)
  })

  it('by ourselves closes the upstream and is not told as its end', async () => {
    const { live, close, hooks } = open()
    await live.close()
    expect(close).toHaveBeenCalledOnce()
    expect(hooks.onLost).not.toHaveBeenCalled()
  })
})

it('a request under which its server goes away is failed once, though sending it fails, too', async () => {
  let refuse: (error: Error) => void = () => undefined
  const { live } = open(() => new Promise((_, reject) => (refuse = reject)))
  const { reply } = openReply('1')
  reply.fail.mockImplementation(() => live.release(reply))
  const asked = live.request(message({ id: 1, method: 'tools/call' }), reply)
  live.onClose(new Error('gone'))
  refuse(new Error('the connection broke'))
  await asked
  expect(reply.fail).toHaveBeenCalledOnce()
})
