import { notificationBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { backendOf, createTwinUpstream } from '@mcp-router/testkit/upstream'
import { describe, expect, it, vi } from 'vitest'
import { SessionLost } from '../upstream.js'
import { Lane } from './lane.js'
import { caller, openLane } from './lane.fixture.js'

const listener = () => ({ onUpdated: vi.fn(), onLost: vi.fn() })
const change = { method: 'notifications/tools/list_changed' }

describe('opening a lane', () => {
  it('shakes hands, and keeps what the server said', async () => {
    const { lane, initialize, initialized } = await openLane({ logging: {} })
    expect(initialize).toMatchObject({
      method: 'initialize',
      params: { protocolVersion: '2025-11-25' },
    })
    expect(initialized.method).toBe('notifications/initialized')
    expect([lane.isFree(), lane.isIdle(), lane.offers('logging'), lane.offers('tools')]).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  it.each([
    ['refuses', -32600],
    ['answers what is no JSON', undefined],
  ])('fails where the server %s', async (_, code) => {
    const lane = new Lane(backendOf(), { onChange: vi.fn(), onGone: vi.fn() })
    const upstream = createTwinUpstream(lane)
    const opening = lane.open(upstream, {})
    const initialize = await upstream.next()
    if (code) initialize.refuse(code, 'no')
    else lane.onMessage(scanMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":,}}')))
    await expect(opening).rejects.toThrow('initialize was refused')
    expect(lane.isOpen()).toBe(false)
  })
})

describe('a call on a lane', () => {
  it('has the lane to itself, hears all that the server says, and gives it back', async () => {
    const { lane, upstream } = await openLane()
    const mine = caller()
    lane.call('tools/call', { name: 'n' }, mine)
    const call = await upstream.next()
    expect(call).toMatchObject({ method: 'tools/call', params: { name: 'n' } })
    expect(lane.isFree()).toBe(false)
    expect(() => lane.call('tools/call', {}, caller())).toThrow(TypeError)
    upstream.say({ method: 'notifications/message', params: { data: 1 } })
    upstream.say({ id: 'q', method: 'roots/list' })
    call.answer({ content: [] })
    expect(mine.heard).toMatchObject([
      { method: 'notifications/message' },
      { id: 'q', method: 'roots/list' },
      { id: call.id, result: { content: [] } },
    ])
    lane.release()
    expect(lane.isFree()).toBe(true)
  })

  it('passes on the answer to what the server asked', async () => {
    const { lane, upstream } = await openLane()
    const asked: Message[] = []
    lane.call('tools/call', {}, { ...caller(), onAsked: (request) => void asked.push(request) })
    await upstream.next()
    upstream.say({ id: 'q', method: 'roots/list' })
    upstream.say({ id: 'r', method: 'roots/list' })
    await lane.reply(asked[0]!, { roots: [] })
    lane.refuse(asked[1]!, -32601, 'no')
    expect(await upstream.next()).toMatchObject({ id: 'q', result: { roots: [] } })
    expect(await upstream.next()).toMatchObject({ id: 'r', error: { code: -32601 } })
  })

  it('that cannot be delivered fails', async () => {
    const { lane, upstream } = await openLane()
    const mine = caller()
    lane.call('tools/call', {}, mine)
    ;(await upstream.next()).fail(new SessionLost('e'))
    expect(mine.onFailed).toHaveBeenCalledWith(expect.any(SessionLost))
  })

  it('does not fail the next one when its answer breaks off after it came', async () => {
    const { lane, upstream } = await openLane()
    lane.call('tools/call', {}, caller())
    const first = await upstream.next()
    first.answer({})
    lane.release()
    const next = caller()
    lane.call('tools/call', {}, next)
    first.fail(new Error('ECONNRESET'))
    expect(next.onFailed).not.toHaveBeenCalled()
  })

  it('on a lane that is over fails as one that certainly was not made', async () => {
    const { lane } = await openLane()
    await lane.close()
    const mine = caller()
    lane.call('tools/call', {}, mine)
    expect(mine.onFailed).toHaveBeenCalledWith(expect.any(SessionLost))
  })
})

describe('what a server says outside of calls', () => {
  it('ping is answered, also during one', async () => {
    const { lane, upstream } = await openLane()
    upstream.say({ id: 1, method: 'ping' })
    expect(await upstream.next()).toMatchObject({ id: 1, result: {} })
    const mine = caller()
    lane.call('tools/call', {}, mine)
    await upstream.next()
    upstream.say({ id: 2, method: 'ping' })
    expect(await upstream.next()).toMatchObject({ id: 2, result: {} })
    expect(mine.heard).toEqual([])
  })

  it('a question is refused', async () => {
    const { upstream } = await openLane()
    upstream.say({ id: 1, method: 'sampling/createMessage' })
    expect(await upstream.next()).toMatchObject({ id: 1, error: { code: -32603 } })
  })

  it('a changed list is told of to all, no matter whose call is under way', async () => {
    const { lane, hooks, upstream } = await openLane()
    const mine = caller()
    lane.call('tools/call', {}, mine)
    upstream.say(change)
    expect(hooks.onChange).toHaveBeenCalledTimes(1)
    expect(mine.heard).toEqual([])
  })
})

describe('the logging level of a lane', () => {
  it('is set once, until another is wanted', async () => {
    const { lane, upstream } = await openLane({ logging: {} })
    for (const level of ['info', 'info', 'debug']) {
      const setting = lane.setLevel(level)
      if (upstream.passed.at(-1)?.params?.['level'] === level) upstream.passed.at(-1)?.answer({})
      await setting
    }
    const levels = upstream.passed.filter(({ method }) => method === 'logging/setLevel')
    expect(levels.map(({ params }) => params)).toEqual([{ level: 'info' }, { level: 'debug' }])
  })

  it('is nothing to a server that does not log', async () => {
    const { lane, upstream } = await openLane()
    await lane.setLevel('info')
    expect(upstream.passed).toHaveLength(2)
  })
})

describe('abandoning a call', () => {
  it('cancels it and ends the lane', async () => {
    const { lane, hooks, upstream } = await openLane()
    const mine = caller()
    lane.call('tools/call', {}, mine)
    const { id } = await upstream.next()
    await lane.abandon()
    expect(upstream.cancelled).toEqual([JSON.stringify(id)])
    expect(upstream.isClosed()).toBe(true)
    expect(hooks.onGone).toHaveBeenCalledTimes(1)
    expect(mine.onFailed).not.toHaveBeenCalled()
  })

  it('leaves the lane to those who listen, until they have gone elsewhere', async () => {
    const { lane, upstream } = await openLane()
    const onSpent = vi.fn()
    const stop = await lane.listen([], { ...listener(), onSpent })
    lane.call('tools/call', {}, caller())
    await lane.abandon()
    expect(upstream.cancelled).toHaveLength(1)
    expect([upstream.isClosed(), lane.isOpen(), lane.isFree()]).toEqual([false, true, false])
    expect(onSpent).toHaveBeenCalledOnce()
    stop()
    expect(upstream.isClosed()).toBe(true)
  })
})

describe('listening on a lane', () => {
  const open = async () => {
    const opened = await openLane()
    const listen = async (uris: string[], hearing = listener()) => {
      const count = opened.upstream.passed.length
      const listening = opened.lane.listen(uris, hearing)
      if (opened.upstream.passed.length > count) opened.upstream.passed.at(-1)?.answer({})
      return listening
    }
    const methods = () => opened.upstream.passed.slice(2).map(({ method }) => method)
    return { ...opened, listen, methods }
  }

  it('subscribes to a resource once for all, until the last is gone', async () => {
    const { upstream, listen, methods } = await open()
    const [one, other] = [listener(), listener()]
    const stopOne = await listen(['a:1'], one)
    const stopOther = await listen(['a:1'], other)
    expect([methods(), upstream.listens()]).toEqual([['resources/subscribe'], 1])
    const updated = { method: 'notifications/resources/updated', params: { uri: 'a:1' } }
    upstream.say(updated)
    stopOne()
    stopOne()
    upstream.say(updated)
    expect(one.onUpdated).toHaveBeenCalledTimes(1)
    expect(other.onUpdated).toHaveBeenCalledTimes(2)
    expect(methods()).toEqual(['resources/subscribe'])
    stopOther()
    expect(methods()).toEqual(['resources/subscribe', 'resources/unsubscribe'])
  })

  it('to what the server refuses leaves nothing behind', async () => {
    const { lane, upstream } = await open()
    const hearing = listener()
    const listening = lane.listen(['a:1'], hearing)
    upstream.passed.at(-1)!.refuse(-32602, 'no such resource')
    await expect(listening).rejects.toThrow('resources/subscribe was refused')
    expect(lane.isIdle()).toBe(true)
    upstream.say({ method: 'notifications/resources/updated', params: { uri: 'a:1' } })
    expect(hearing.onUpdated).not.toHaveBeenCalled()
  })
})

describe('a lane that is lost', () => {
  it('tells its caller, those who listen, and whoever waits', async () => {
    const { lane, hooks, upstream } = await openLane({ logging: {} })
    const [mine, hearing] = [caller(), listener()]
    await lane.listen([], hearing)
    const setting = lane.setLevel('info')
    lane.call('tools/call', {}, mine)
    upstream.lose(new Error('exited'))
    await expect(setting).rejects.toThrow('exited')
    expect(mine.onFailed).toHaveBeenCalledExactlyOnceWith(new Error('exited'))
    expect(hearing.onLost).toHaveBeenCalledTimes(1)
    expect(hooks.onGone).toHaveBeenCalledTimes(1)
    expect(lane.isOpen()).toBe(false)
    await expect(lane.ask('ping', {})).rejects.toThrow(SessionLost)
  })

  it('by close says so as a failure of the upstream', async () => {
    const { lane, upstream } = await openLane()
    const mine = caller()
    lane.call('tools/call', {}, mine)
    await Promise.all([lane.close(), lane.close()])
    expect(mine.onFailed).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'UPSTREAM_FAILED' }),
    )
    expect(upstream.isClosed()).toBe(true)
  })

  it('hears a late word without harm', async () => {
    const { lane } = await openLane()
    await lane.close()
    expect(() => lane.onMessage(scanMessage(notificationBytes(change.method)))).not.toThrow()
  })
})
