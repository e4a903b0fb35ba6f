import { aRequest, createHeard, createTwinUpstream } from '@mcp-router/testkit/upstream'
import type { TwinUpstream } from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openAdaptive } from './adaptive.js'

/** `judge` says, when the test calls it, whether the Endpoint is modern by what else is known. */
const open = async (isSessionless = false) => {
  const heard = createHeard()
  let judge: (isModern: boolean | Error) => void = () => undefined
  const isModern = vi.fn(
    () =>
      new Promise<boolean>((resolve, reject) => {
        judge = (verdict) => (verdict instanceof Error ? reject(verdict) : resolve(verdict))
      }),
  )
  const twins: TwinUpstream[] = []
  const upstream = await openAdaptive({
    listener: heard,
    isModern,
    isSse: () => Promise.resolve(false),
    openNative: (listener) => {
      twins.push({ ...createTwinUpstream(listener), isSessionless: () => isSessionless })
      return Promise.resolve(twins[0]!)
    },
    openFace: (listener) => {
      const face = createTwinUpstream(listener)
      twins.push(face)
      return face
    },
  })
  onTestFinished(() => upstream.close())
  const sent = upstream.send(aRequest('i', 'initialize')).catch((error: unknown) => error)
  const native = twins[0]!
  const initialize = await native.next()
  return {
    heard,
    isModern,
    judge: (verdict: boolean | Error) => judge(verdict),
    upstream,
    sent,
    native,
    initialize,
    face: () => twins[1],
  }
}

const unsupported = (supported: unknown) => [-32022, 'Unsupported', { supported }] as const
const asked = (isModern: ReturnType<typeof vi.fn>) =>
  vi.waitUntil(() => isModern.mock.calls.length > 0)

describe('an endpoint of unknown era', () => {
  it('that opens a session is used as it is', async () => {
    const { heard, isModern, upstream, native, initialize, face } = await open()
    initialize.answer({ protocolVersion: '2025-06-18' })
    expect(await heard.next()).toMatchObject({ id: 'i', result: { protocolVersion: '2025-06-18' } })
    void upstream.send(aRequest(2, 'tools/list'))
    expect(await native.next()).toMatchObject({ id: 2, method: 'tools/list' })
    upstream.cancel('2')
    upstream.listen()
    expect([native.cancelled, native.listens()]).toEqual([['2'], 1])
    expect([isModern.mock.calls, face()]).toEqual([[], undefined])
    native.lose(new Error('gone'))
    expect(await heard.closed).toMatchObject({ message: 'gone' })
  })

  it.each([
    ['a modern one becomes a face', true],
    ['another is used as it is', false],
  ])('that answers without opening a session: %s', async (_, isModern) => {
    const opened = await open(true)
    const { heard, initialize, native, judge } = opened
    initialize.answer({ name: 'native' })
    await asked(opened.isModern)
    expect(heard.messages).toEqual([])
    judge(isModern)
    if (isModern) {
      await vi.waitUntil(() => opened.face())
      ;(await opened.face()!.next()).answer({ name: 'face' })
    }
    const name = isModern ? 'face' : 'native'
    expect(await heard.next()).toMatchObject({ id: 'i', result: { name } })
    expect([native.isClosed(), heard.messages.length]).toEqual([isModern, 1])
  })

  it('that refuses and names the modern revision becomes a face', async () => {
    const { heard, isModern, upstream, native, initialize, face } = await open()
    initialize.refuse(...unsupported(['2026-07-28']))
    await vi.waitUntil(() => face())
    const again = await face()!.next()
    expect(again).toMatchObject({ id: 'i', method: 'initialize' })
    again.answer({})
    expect(await heard.next()).toMatchObject({ id: 'i', result: {} })
    expect([native.isClosed(), heard.closings(), isModern.mock.calls]).toEqual([true, 0, []])
    void upstream.send(aRequest(2, 'tools/list'))
    expect(await face()!.next()).toMatchObject({ method: 'tools/list' })
    await upstream.close()
    expect(face()!.isClosed()).toBe(true)
  })

  it.each([
    ['refuses without a word of revisions', undefined],
    ['refuses and names others', ['2025-11-25']],
  ])('that %s, and is legacy, has its refusal told', async (_, supported) => {
    const { heard, isModern, judge, initialize, sent, face } = await open()
    initialize.refuse(...unsupported(supported))
    await asked(isModern)
    expect(heard.messages).toEqual([])
    judge(false)
    await sent
    expect(await heard.next()).toMatchObject({ id: 'i', error: { code: -32022 } })
    expect(face()).toBeUndefined()
  })

  it('that refuses, and of which nothing is known, has its refusal told', async () => {
    const { heard, isModern, judge, initialize } = await open()
    initialize.refuse(-32600, 'no')
    await asked(isModern)
    judge(new Error('undecided'))
    expect(await heard.next()).toMatchObject({ error: { message: 'no' } })
  })

  it('that fails at initialize, and is modern, becomes a face', async () => {
    const { isModern, judge, initialize, face } = await open()
    initialize.fail(new Error('HTTP 405'))
    await asked(isModern)
    judge(true)
    await vi.waitUntil(() => face())
  })

  it('that fails at initialize, and is legacy, fails', async () => {
    const { isModern, judge, initialize, sent } = await open()
    initialize.fail(new Error('HTTP 405'))
    await asked(isModern)
    judge(false)
    expect(await sent).toMatchObject({ message: 'HTTP 405' })
  })

  it('that could not be reached is not asked further', async () => {
    const { isModern, initialize, sent } = await open()
    initialize.fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    expect(await sent).toMatchObject({ code: 'ECONNREFUSED' })
    expect(isModern).not.toHaveBeenCalled()
  })
})

describe('an endpoint that ends at initialize', () => {
  it('and is modern becomes a face: its end concerns nobody', async () => {
    const { heard, isModern, judge, native, face } = await open()
    native.lose(new Error('exited'))
    await asked(isModern)
    judge(true)
    await vi.waitUntil(() => face())
    expect(heard.closings()).toBe(0)
  })

  it('and is legacy has ended', async () => {
    const { heard, isModern, judge, native, sent } = await open()
    native.lose(new Error('exited'))
    await asked(isModern)
    judge(false)
    expect(await heard.closed).toMatchObject({ message: 'exited' })
    expect(await sent).toBeUndefined()
  })

  it.each([true, false])(
    'while its refusal is judged (modern: %s) is told last, or not at all',
    async (modern) => {
      const { heard, isModern, judge, native, initialize, sent } = await open()
      initialize.refuse(-32600, 'no')
      await asked(isModern)
      native.lose(new Error('exited'))
      expect(heard.closings()).toBe(0)
      judge(modern)
      if (modern) await vi.waitUntil(() => native.isClosed())
      else await sent
      expect([heard.messages.length, heard.closings()]).toEqual(modern ? [0, 0] : [1, 1])
    },
  )

  it('because it was closed meanwhile stays closed', async () => {
    const { heard, isModern, judge, upstream, initialize, sent, face } = await open()
    initialize.refuse(-32600, 'no')
    await asked(isModern)
    await upstream.close()
    judge(true)
    await sent
    expect([heard.closings(), face()]).toEqual([1, undefined])
  })
})
