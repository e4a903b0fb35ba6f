import { RouterError } from '@mcp-router/core'
import type { SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CallLog } from '../call-log.js'
import { guardCallLog } from './guarded-call-log.js'
import { createStoreGuard } from './store-guard.js'

const session = 's' as SessionId
const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })
const entryAs = (entry: string, body: string) => ({ entry, callId: '', body })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = (): never => {
  throw new Error('nobody asked for that')
}

const open = (
  drop: CallLog['drop'],
  keep: CallLog['keep'] = never,
  entries: CallLog['entries'] = never,
  budgetMs = 5_000,
) => {
  const rest = { accept: never, find: never, finish: never, release: never }
  const callLog = { keep, drop, entries, ...rest }
  return guardCallLog(callLog, createStoreGuard(budgetMs))
}

it('waits for a store that comes back', async () => {
  const drop = vi.fn<CallLog['drop']>().mockRejectedValueOnce(away)
  const settled = open(drop.mockResolvedValue()).drop(session, 1, ['1'])
  await vi.advanceTimersByTimeAsync(200)
  await settled
  expect(drop).toHaveBeenCalledTimes(2)
})

it('gives up on one that is away for longer, and then at once', async () => {
  const drop = vi.fn<CallLog['drop']>(() => {
    vi.advanceTimersByTime(1_000)
    return Promise.reject(away)
  })
  const callLog = open(drop)
  await expect(callLog.drop(session, 1, ['1'])).rejects.toBe(away)
  drop.mockClear()
  await expect(callLog.drop(session, 1, ['2'])).rejects.toBe(away)
  expect(drop).toHaveBeenCalledOnce()
})

it('does not wait for one that is full', async () => {
  const reply = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' })
  const full = new RouterError('STORE_UNAVAILABLE', {}, reply)
  const keep = vi.fn<CallLog['keep']>().mockRejectedValue(full)
  const callLog = open(never, keep)
  await expect(callLog.keep(session, 1, entryAs('1', ''))).rejects.toBe(full)
  expect(keep).toHaveBeenCalledOnce()
})

const answered = async (isRequestSent: boolean) => {
  const written: string[] = []
  let isThere = isRequestSent
  const keep: CallLog['keep'] = async (_, __, { body }) => {
    if (!isThere) throw away
    await Promise.resolve()
    written.push(body)
    return true
  }
  const callLog = open(never, keep)
  const first = callLog.keep(session, 1, entryAs('1', 'request'))
  const other = callLog.keep(session, 1, entryAs('2', 'other'))
  const second = callLog.keep(session, 1, entryAs('1', 'answer'))
  isThere = true
  expect(await Promise.all([first, other, second])).toEqual([true, true, true])
  return written.filter((body) => body !== 'other')
}

it('writes an answer behind its request', async () => {
  expect(await answered(true)).toEqual(['request', 'answer'])
})

it('writes an answer in the place of a request that still waits for the store', async () => {
  expect(await answered(false)).toEqual(['answer'])
})

it('does not write a request over its answer, though it gave up on the store before', async () => {
  const written: string[] = []
  const keep = vi.fn<CallLog['keep']>((_, __, { body }) => {
    written.push(body)
    return Promise.resolve(true)
  })
  keep.mockRejectedValueOnce(away)
  const callLog = open(never, keep, never, -1)
  const request = callLog.keep(session, 1, entryAs('1', 'request'))
  const answer = callLog.keep(session, 1, entryAs('1', 'answer'))
  await Promise.allSettled([request, answer])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written.at(-1)).toBe('answer')
})

it('reads its entries once all that is being written is there', async () => {
  const written: string[] = []
  const keep = vi.fn<CallLog['keep']>((_, __, { body }) => {
    written.push(body)
    return Promise.resolve(true)
  })
  keep.mockRejectedValueOnce(away)
  const entries: CallLog['entries'] = () =>
    Promise.resolve(written.map((body) => entryAs('1', body)))
  const callLog = open(never, keep, entries)
  void callLog.keep(session, 1, entryAs('1', 'answer'))
  const read = callLog.entries(session)
  await vi.advanceTimersByTimeAsync(150)
  expect(await read).toEqual([entryAs('1', 'answer')])
})

it.each([
  ['at once', 0],
  ['once the store is back', 20_000],
])('knows of an entry that another instance has claimed the session before (%s)', async (_, ms) => {
  let isAway = ms > 0
  const callLog = open(never, () => (isAway ? Promise.reject(away) : Promise.resolve(false)))
  const writing = callLog.keep(session, 1, entryAs('1', 'request')).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(ms)
  expect(callLog.isSuperseded(session, '1')).toBe(ms === 0)
  isAway = false
  await writing
  expect([callLog.isSuperseded(session, '1'), callLog.isUnwritten(session, '1')]).toEqual([
    true,
    false,
  ])
  expect(callLog.isSuperseded(session, '2')).toBe(false)
})
