import type { SessionId } from '@mcp-router/core'
import type { Journal } from '@mcp-router/store'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patientJournal } from './patient.js'

const session = 's' as SessionId

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const open = (settle: Journal['settle']) => {
  const never = (): never => {
    throw new Error('nobody asked for that')
  }
  const journal = { owe: never, settle, owed: never, accept: never, finish: never, forget: never }
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
