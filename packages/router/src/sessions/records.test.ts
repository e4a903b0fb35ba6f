import { RouterError } from '@mcp-router/core'
import { createStoreGuard } from '@mcp-router/store'
import type { SessionStore } from '@mcp-router/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { SessionEntry } from './entry.js'
import { Records } from './records.js'

const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })

const open = () => {
  // Nothing else of it is used here.
  const entry = { record: { id: 's-1', epoch: 3 }, phase: { kind: 'live' } } as SessionEntry
  const update = vi.fn<SessionStore['update']>(() => Promise.resolve(true))
  const [onWritten, onRefused] = [vi.fn(), vi.fn()]
  const guard = createStoreGuard(5_000)
  const store = { update, restore: () => Promise.resolve('ended') } as unknown as SessionStore
  const records = new Records({
    ...{ store, guard, onWritten, onRefused },
    generation: () => Promise.resolve('first'),
    held: () => [entry],
    onRestored: vi.fn(),
    onMended: vi.fn(),
    mendMs: 0,
  })
  onTestFinished(() => guard.close())
  return { entry, update, onWritten, onRefused, records, guard }
}

it('a change is written at once, and refused where the store says so', async () => {
  const { entry, update, records, onWritten } = open()
  expect(await records.change(entry, { loggingLevel: 'debug' })).toBe(true)
  update.mockResolvedValue(false)
  expect(await records.change(entry, { loggingLevel: 'error' })).toBe(false)
  expect(update).toHaveBeenLastCalledWith('s-1', 3, { loggingLevel: 'error' })
  expect(onWritten).not.toHaveBeenCalled()
})

it('while the store is away changes hold here, and are written together once it is back', async () => {
  const { entry, update, records, onWritten } = open()
  update.mockRejectedValue(away)
  expect(await records.change(entry, { loggingLevel: 'debug', subscriptions: ['a'] })).toBe(true)
  expect(await records.change(entry, { subscriptions: ['b'] })).toBe(true)
  await expect.poll(() => update.mock.calls.length).toBe(2)
  expect(onWritten).not.toHaveBeenCalled()
  update.mockResolvedValue(true)
  await expect.poll(() => onWritten.mock.calls).toEqual([[entry]])
  const both = { loggingLevel: 'debug', subscriptions: ['b'] }
  expect(update).toHaveBeenLastCalledWith('s-1', 3, both)
})

it('what the store refuses then is told', async () => {
  const { entry, update, records, onRefused } = open()
  update.mockRejectedValueOnce(away).mockResolvedValue(false)
  await records.change(entry, { subscriptions: ['a'] })
  await expect.poll(() => onRefused.mock.calls).toEqual([[entry]])
  expect(update).toHaveBeenCalledTimes(2)
})

it('what is not held any more is nobody’s to write', async () => {
  const { entry, update, records, onWritten, guard } = open()
  update.mockRejectedValueOnce(away)
  await records.change(entry, { subscriptions: ['a'] })
  entry.phase = { kind: 'released' }
  await expect.poll(() => guard.writes.get('s-1')).toBeUndefined()
  expect([update.mock.calls.length, onWritten.mock.calls.length]).toEqual([1, 0])
})
