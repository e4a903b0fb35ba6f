import { RouterError } from '@mcp-router/core'
import type { SessionId } from '@mcp-router/core'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { CallLog, CallEntry } from '../call-log.js'
import { guardCallLog } from './guarded-call-log.js'
import { createStoreGuard } from './store-guard.js'
import type { QueuedWrite } from './write-queue.js'

const session = 's-1' as SessionId
const entryOf = (entry: string, body = `request ${entry}`): CallEntry => ({
  entry,
  callId: '',
  body,
})
const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })
const reply = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' })
const full = new RouterError('STORE_UNAVAILABLE', {}, reply)

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

/** A store that is away at first. */
const openAway = () => {
  const written = new Map<string, string>()
  let failure: Error | undefined = away
  const send = vi.fn((key: string, body: string) => {
    if (failure) return Promise.reject(failure)
    written.set(key, body)
    return Promise.resolve(true)
  })
  const guard = createStoreGuard(5_000)
  onTestFinished(() => guard.close())
  const { writes } = guard
  const add = (key: string, body = `request ${key}`): QueuedWrite => {
    const write = { key, bytes: body.length, write: () => send(key, body) }
    writes.add(write)
    return write
  }
  const fail = (error: Error): void => void (failure = error)
  const comeBack = async () => {
    failure = undefined
    await vi.advanceTimersByTimeAsync(300)
    return [...written.values()]
  }
  return { guard, send, add, fail, comeBack }
}

it('what could not be written is written once the store is back, however long that takes', async () => {
  const { send, add, comeBack } = openAway()
  for (const key of ['1.1', '1.2']) add(key)
  await vi.advanceTimersByTimeAsync(60_000)
  // One asks for all whether it is back.
  expect(send.mock.calls.length).toBeLessThan(300)
  expect((await comeBack()).toSorted()).toEqual(['request 1.1', 'request 1.2'])
  send.mockClear()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(send).not.toHaveBeenCalled()
})

it('but not what was dropped, and of two writes the later one', async () => {
  const { guard, add, comeBack } = openAway()
  for (const key of ['1.1', '1.2']) add(key)
  await guard.writes.drop('1.1')
  add('1.2', 'its response')
  expect(await comeBack()).toEqual(['its response'])
})

it('and of too many the newest', async () => {
  const { add, comeBack } = openAway()
  const rest = 'x'.repeat(4 * 1024 * 1024)
  for (const n of ['1', '2', '3', '4', '5']) add(n, `${n}${rest}`)
  expect((await comeBack()).map((body) => body[0]).toSorted()).toEqual(['3', '4', '5'])
})

it('a write that the store refuses does not keep back the others', async () => {
  const { guard, send, add, comeBack } = openAway()
  guard.writes.add({ key: 'refused', bytes: 0, write: () => Promise.reject(away) })
  add('1.1')
  expect(await comeBack()).toEqual([])
  expect(await comeBack()).toEqual(['request 1.1'])
  expect(send).toHaveBeenCalledOnce()
})

it('a full store is waited for by nobody, and written to once it has room', async () => {
  const { guard, send, add, fail, comeBack } = openAway()
  fail(full)
  const write = { ...add('1.1'), write: () => send('1.1', 'later') }
  await expect(guard.writes.write(write, guard.patience.required)).rejects.toBe(full)
  expect(guard.writes.isAwaited('1.1')).toBe(false)
  expect(await comeBack()).toEqual(['later'])
})

it('what fails for another reason is not repeated', async () => {
  const { guard, send, fail } = openAway()
  fail(new Error('a fault'))
  const write = { key: '1.1', bytes: 0, write: () => send('1.1', '') }
  await expect(guard.writes.write(write, guard.patience.required)).rejects.toThrow('a fault')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(send).toHaveBeenCalledOnce()
})

it('a call log that gives up on its store writes its entries later, unless it was settled', async () => {
  const { guard, send, comeBack } = openAway()
  const rest = { entries: vi.fn(), accept: vi.fn(), accepted: vi.fn(), finish: vi.fn() }
  const take = (key: string, body: string): Promise<boolean> => {
    vi.advanceTimersByTime(1_000)
    return send(key, body)
  }
  const patient = guardCallLog(
    {
      ...({ ...rest, forget: vi.fn() } as unknown as CallLog),
      keep: (_, __, { entry, body }) => take(entry, body),
      drop: () => take('settled', '').then(() => undefined),
    },
    guard,
  )
  for (const entry of ['1.1', '1.2'])
    await expect(patient.keep(session, 1, entryOf(entry))).rejects.toBe(away)
  await expect(patient.drop(session, 1, ['1.1'])).rejects.toBe(away)
  expect(await comeBack()).toEqual(['request 1.2'])
})
