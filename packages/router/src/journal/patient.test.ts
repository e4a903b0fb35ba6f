import type { SessionId } from '@mcp-router/core'
import type { Journal } from '@mcp-router/store'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patientJournal } from './patient.js'

const session = 's' as SessionId

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
  const journal = { owe, settle, owed, accept: never, finish: never, forget: never }
  return patientJournal(journal)
}

it('waits for a store that comes back', async () => {
  const settle = vi.fn<Journal['settle']>().mockRejectedValueOnce(new Error('away'))
  const settled = open(settle.mockResolvedValue()).settle(session, ['1'])
  await vi.advanceTimersByTimeAsync(200)
  await settled
  expect(settle).toHaveBeenCalledTimes(2)
})

it('gives up on one that is away for longer, and then at once', async () => {
  const settle = vi.fn<Journal['settle']>().mockRejectedValue(new Error('away'))
  const journal = open(settle)
  const first = expect(journal.settle(session, ['1'])).rejects.toThrow('away')
  await vi.advanceTimersByTimeAsync(6_000)
  await first
  settle.mockClear()
  await expect(journal.settle(session, ['2'])).rejects.toThrow('away')
  expect(settle).toHaveBeenCalledOnce()
})

it('writes an answer behind its request, however long that takes', async () => {
  const written: string[] = []
  let isAway = true
  const owe: Journal['owe'] = (_, { body }) => {
    if (isAway) return Promise.reject(new Error('away'))
    written.push(body)
    return Promise.resolve()
  }
  const journal = open(never, owe)
  const first = journal.owe(session, { requestId: '1', body: 'request' })
  await vi.advanceTimersByTimeAsync(150)
  isAway = false
  const other = journal.owe(session, { requestId: '2', body: 'other' })
  const second = journal.owe(session, { requestId: '1', body: 'answer' })
  await vi.advanceTimersByTimeAsync(100)
  await Promise.all([first, other, second])
  expect(written).toEqual(['other', 'request', 'answer'])
})

it('reads what is owed once all that is being written is there', async () => {
  const written: string[] = []
  const owe = vi.fn<Journal['owe']>((_, { body }) => {
    written.push(body)
    return Promise.resolve()
  })
  owe.mockRejectedValueOnce(new Error('away'))
  const owed: Journal['owed'] = () =>
    Promise.resolve(written.map((body) => ({ requestId: '1', body })))
  const journal = open(never, owe, owed)
  void journal.owe(session, { requestId: '1', body: 'answer' })
  const read = journal.owed(session)
  await vi.advanceTimersByTimeAsync(150)
  expect(await read).toEqual([{ requestId: '1', body: 'answer' }])
})
