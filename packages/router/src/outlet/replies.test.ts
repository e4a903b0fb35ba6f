import { RouterError } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import { describe, expect, it, vi } from 'vitest'
import { Replies } from './replies.js'
import type { Reply } from './reply.js'

const messageOf = (message: object) =>
  scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })))
const call = (id: unknown, token?: unknown) =>
  messageOf({
    id,
    method: 'do',
    params: token === undefined ? {} : { _meta: { progressToken: token } },
  })
const progress = (token: unknown) =>
  messageOf({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
const news = messageOf({ method: 'notifications/message', params: {} })

const replyTo = (id: string, more: Partial<Reply> = {}): Reply => ({
  id,
  say: () => undefined,
  answer: () => undefined,
  fail: () => undefined,
  ...more,
})

describe('a request under an id that is in flight', () => {
  it('takes the place of the first where it is the same one, come again', () => {
    const replies = new Replies()
    const [first, again] = [replyTo('1', { requestId: 'r' }), replyTo('1', { requestId: 'r' })]
    expect([replies.add(call(1), first), replies.add(call(1), again)]).toEqual([true, false])
    replies.release(first)
    expect(replies.get('1')).toBe(again)
    replies.release(again)
    expect(replies.get('1')).toBeUndefined()
  })

  it('is under way already where its reply is the very one that waits', () => {
    const replies = new Replies()
    const reply = replyTo('1', { requestId: 'r', yieldTo: () => true })
    const yielded = vi.spyOn(reply, 'yieldTo')
    expect([replies.add(call(1), reply), replies.add(call(1), reply)]).toEqual([true, false])
    expect(yielded).not.toHaveBeenCalled()
    expect(replies.size()).toBe(1)
  })

  it('has the answer for both, as nobody knows which of them still has a client', () => {
    const replies = new Replies()
    const answered: string[] = []
    const named = (name: string) =>
      replyTo('1', { requestId: 'r', answer: () => void answered.push(name) })
    const [first, again] = [named('first'), named('again')]
    replies.add(call(1), first)
    replies.add(call(1), again)
    replies.answer(messageOf({ id: 1, result: {} }))
    expect(answered.toSorted()).toEqual(['again', 'first'])
    replies.release(again)
    expect(replies.get('1')).toBe(first)
  })

  it.each([
    ['another one', 'r-1', 'r-2'],
    ['one that cannot come again', undefined, undefined],
  ])('is refused where it is %s', (_, one, other) => {
    const replies = new Replies()
    const first = replyTo('1', { requestId: one })
    replies.add(call(1), first)
    expect(() => replies.add(call(1), replyTo('1', { requestId: other }))).toThrow(
      /already in flight/,
    )
    expect(replies.get('1')).toBe(first)
  })
})

describe('what a server says meanwhile', () => {
  const open = (secondIsAway: boolean) => {
    const replies = new Replies()
    const first = replyTo('1')
    const second = replyTo('2', { isAway: () => secondIsAway })
    replies.add(call(1, 'a'), first)
    replies.add(call(2, 7), second)
    return { replies, first, second }
  }

  it('goes to the call that it is about, also one whose client is away', () => {
    const { replies, first, second } = open(true)
    expect(replies.outletFor(progress('a'), '', true)).toBe(first)
    expect(replies.outletFor(progress(7), '', true)).toBe(second)
    expect(replies.outletFor(news, '1', true)).toBe(first)
  })

  it('goes to the newest whose client listens, where it is about none', () => {
    const [listening, away] = [open(false), open(true)]
    expect(listening.replies.outletFor(news, '', true)).toBe(listening.second)
    expect(away.replies.outletFor(news, '', true)).toBe(away.first)
  })

  it('goes to the client’s own stream once no call is left', () => {
    const { replies, first, second } = open(false)
    replies.release(first)
    replies.release(second)
    expect(replies.outletFor(progress('a'), '', false)).toBeUndefined()
  })
})

describe('a request that no server has at present', () => {
  const open = () => {
    const replies = new Replies()
    const fail = vi.fn()
    const reply = replyTo('1', { fail })
    replies.add(call(1), reply)
    return { replies, reply, fail, back: replies.setAside(reply) }
  }

  it('keeps its id, and is not failed with those that the server has', () => {
    const { replies, fail, back } = open()
    expect(() => replies.add(call(1), replyTo('1'))).toThrow('already in flight')
    replies.failSent(new RouterError('UPSTREAM_FAILED'))
    expect(fail).not.toHaveBeenCalled()
    back?.()
    replies.failSent(new RouterError('UPSTREAM_FAILED'))
    expect(fail).toHaveBeenCalledOnce()
  })

  it('is ended by its client, and what is sent under its id then is another one', () => {
    const { replies, reply, fail, back } = open()
    replies.fail('1', new RouterError('CANCELLED'))
    expect(fail).toHaveBeenCalledOnce()
    replies.release(reply)
    const next = replyTo('1')
    replies.add(call(1), next)
    back?.()
    expect([replies.isAwaited(reply), replies.isAwaited(next)]).toEqual([false, true])
  })

  it('keeps the deadlines running, and has none of what the server says', () => {
    const { replies, reply, back } = open()
    const { silent, oldest } = replies.silentSince(performance.now() - 1_000)
    expect([silent, oldest]).toEqual([[], expect.any(Number)])
    expect(replies.outletFor(news, '', false)).toBeUndefined()
    back?.()
    expect(replies.outletFor(news, '', false)).toBe(reply)
  })

  it('is seen to once', () => {
    const { replies, reply } = open()
    expect(replies.setAside(reply)).toBeUndefined()
  })
})

it('a request that is sent again has its whole deadline, unless it has one of its own', () => {
  const replies = new Replies()
  const [call1, own] = [replyTo('1', { activeAt: 5 }), replyTo('2', { activeAt: Infinity })]
  replies.add(call(1), call1)
  replies.add(call(2), own)
  expect(replies.silentSince(performance.now() - 1_000).silent).toEqual([])
  expect([call1.activeAt, own.activeAt]).toEqual([expect.any(Number), Infinity])
})
