import { RouterError } from '@mcp-router/core'
import type { SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Journal } from '../journal.js'
import { guardJournal } from './guarded-journal.js'
import { createStoreGuard } from './store-guard.js'

const session = 's' as SessionId
const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })
const owedAs = (entry: string, body: string) => ({ entry, callId: '', body })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = (): never => {
  throw new Error('nobody asked for that')
}

const open = (
  settle: Journal['settle'],
  owe: Journal['owe'] = never,
  owed: Journal['owed'] = never,
  budgetMs = 5_000,
) => {
  const rest = { accept: never, accepted: never, finish: never, forget: never }
  const journal = { owe, settle, owed, ...rest }
  return guardJournal(journal, createStoreGuard(budgetMs))
}

it('waits for a store that comes back', async () => {
  const settle = vi.fn<Journal['settle']>().mockRejectedValueOnce(away)
  const settled = open(settle.mockResolvedValue()).settle(session, 1, ['1'])
  await vi.advanceTimersByTimeAsync(200)
  await settled
  expect(settle).toHaveBeenCalledTimes(2)
})

it('gives up on one that is away for longer, and then at once', async () => {
  const settle = vi.fn<Journal['settle']>(() => {
    vi.advanceTimersByTime(1_000)
    return Promise.reject(away)
  })
  const journal = open(settle)
  await expect(journal.settle(session, 1, ['1'])).rejects.toBe(away)
  settle.mockClear()
  await expect(journal.settle(session, 1, ['2'])).rejects.toBe(away)
  expect(settle).toHaveBeenCalledOnce()
})

it('does not wait for one that is full', async () => {
  const reply = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' })
  const full = new RouterError('STORE_UNAVAILABLE', {}, reply)
  const owe = vi.fn<Journal['owe']>().mockRejectedValue(full)
  const journal = open(never, owe)
  await expect(journal.owe(session, 1, owedAs('1', ''))).rejects.toBe(full)
  expect(owe).toHaveBeenCalledOnce()
})

const answered = async (isRequestSent: boolean) => {
  const written: string[] = []
  let isThere = isRequestSent
  const owe: Journal['owe'] = async (_, __, { body }) => {
    if (!isThere) throw away
    await Promise.resolve()
    written.push(body)
    return true
  }
  const journal = open(never, owe)
  const first = journal.owe(session, 1, owedAs('1', 'request'))
  const other = journal.owe(session, 1, owedAs('2', 'other'))
  const second = journal.owe(session, 1, owedAs('1', 'answer'))
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
  const owe = vi.fn<Journal['owe']>((_, __, { body }) => {
    written.push(body)
    return Promise.resolve(true)
  })
  owe.mockRejectedValueOnce(away)
  const journal = open(never, owe, never, -1)
  const request = journal.owe(session, 1, owedAs('1', 'request'))
  const answer = journal.owe(session, 1, owedAs('1', 'answer'))
  await Promise.allSettled([request, answer])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(written.at(-1)).toBe('answer')
})

it('reads what is owed once all that is being written is there', async () => {
  const written: string[] = []
  const owe = vi.fn<Journal['owe']>((_, __, { body }) => {
    written.push(body)
    return Promise.resolve(true)
  })
  owe.mockRejectedValueOnce(away)
  const owed: Journal['owed'] = () => Promise.resolve(written.map((body) => owedAs('1', body)))
  const journal = open(never, owe, owed)
  void journal.owe(session, 1, owedAs('1', 'answer'))
  const read = journal.owed(session)
  await vi.advanceTimersByTimeAsync(150)
  expect(await read).toEqual([owedAs('1', 'answer')])
})

it.each([
  ['at once', 0],
  ['once the store is back', 20_000],
])('knows of an entry that another instance has claimed the session before (%s)', async (_, ms) => {
  let isAway = ms > 0
  const journal = open(never, () => (isAway ? Promise.reject(away) : Promise.resolve(false)))
  const writing = journal.owe(session, 1, owedAs('1', 'request')).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(ms)
  expect(journal.isSuperseded(session, '1')).toBe(ms === 0)
  isAway = false
  await writing
  expect([journal.isSuperseded(session, '1'), journal.isUnwritten(session, '1')]).toEqual([
    true,
    false,
  ])
  expect(journal.isSuperseded(session, '2')).toBe(false)
})
