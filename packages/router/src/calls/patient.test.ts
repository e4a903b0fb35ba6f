import { RouterError } from '@mcp-router/core'
import type { SessionId } from '@mcp-router/core'
import type { Journal } from '@mcp-router/store'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patientJournal } from './patient.js'

const session = 's' as SessionId
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
) => {
  const rest = { accept: never, accepted: never, finish: never, forget: never }
  const journal = { owe, settle, owed, ...rest }
  return patientJournal(journal, 5_000)
}

it('waits for a store that comes back', async () => {
  const settle = vi.fn<Journal['settle']>().mockRejectedValueOnce(new Error('away'))
  const settled = open(settle.mockResolvedValue()).settle(session, 1, ['1'])
  await vi.advanceTimersByTimeAsync(200)
  await settled
  expect(settle).toHaveBeenCalledTimes(2)
})

it('gives up on one that is away for longer, and then at once', async () => {
  const settle = vi.fn<Journal['settle']>(() => {
    vi.advanceTimersByTime(1_000)
    return Promise.reject(new Error('away'))
  })
  const journal = open(settle)
  await expect(journal.settle(session, 1, ['1'])).rejects.toThrow('away')
  settle.mockClear()
  await expect(journal.settle(session, 1, ['2'])).rejects.toThrow('away')
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

it('writes an answer behind its request, however long that takes', async () => {
  const written: string[] = []
  let isAway = true
  const owe: Journal['owe'] = (_, __, { body }) => {
    if (isAway) return Promise.reject(new Error('away'))
    written.push(body)
    return Promise.resolve(true)
  }
  const journal = open(never, owe)
  const first = journal.owe(session, 1, owedAs('1', 'request'))
  await vi.advanceTimersByTimeAsync(150)
  isAway = false
  const other = journal.owe(session, 1, owedAs('2', 'other'))
  const second = journal.owe(session, 1, owedAs('1', 'answer'))
  await vi.advanceTimersByTimeAsync(100)
  await Promise.all([first, other, second])
  expect(written).toEqual(['other', 'request', 'answer'])
})

it('reads what is owed once all that is being written is there', async () => {
  const written: string[] = []
  const owe = vi.fn<Journal['owe']>((_, __, { body }) => {
    written.push(body)
    return Promise.resolve(true)
  })
  owe.mockRejectedValueOnce(new Error('away'))
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
  const journal = open(never, () =>
    isAway ? Promise.reject(new Error('away')) : Promise.resolve(false),
  )
  const writing = journal.owe(session, 1, owedAs('1', 'request')).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(ms)
  expect(journal.isSuperseded(session, '1')).toBe(ms === 0)
  isAway = false
  await vi.advanceTimersByTimeAsync(500)
  await writing
  expect([journal.isSuperseded(session, '1'), journal.isUnwritten(session, '1')]).toEqual([
    true,
    false,
  ])
  expect(journal.isSuperseded(session, '2')).toBe(false)
})
