import { RouterError } from '@mcp-router/core'
import { createStoreGuard } from '@mcp-router/store'
import type { SessionStore } from '@mcp-router/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { HeldSession } from './held.js'
import { createRecordWriter } from './record-writer.js'

const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })

const open = () => {
  // Nothing else of it is used here.
  const entry = { record: { id: 's-1', epoch: 3 } } as HeldSession
  const update = vi.fn<SessionStore['update']>(() => Promise.resolve(true))
  const isHeld = vi.fn(() => true)
  const [onWritten, onRefused] = [vi.fn(), vi.fn()]
  const guard = createStoreGuard()
  const writer = createRecordWriter({ store: { update }, guard, isHeld, onWritten, onRefused })
  onTestFinished(() => guard.close())
  return { entry, update, isHeld, onWritten, onRefused, writer }
}

it('a change is written at once, and refused where the store says so', async () => {
  const { entry, update, writer, onWritten } = open()
  expect(await writer.write(entry, { loggingLevel: 'debug' })).toBe(true)
  update.mockResolvedValue(false)
  expect(await writer.write(entry, { loggingLevel: 'error' })).toBe(false)
  expect(update).toHaveBeenLastCalledWith('s-1', 3, { loggingLevel: 'error' })
  expect(onWritten).not.toHaveBeenCalled()
})

it('while the store is away changes hold here, and are written together once it is back', async () => {
  const { entry, update, writer, onWritten } = open()
  update.mockRejectedValue(away)
  expect(await writer.write(entry, { loggingLevel: 'debug', subscriptions: ['a'] })).toBe(true)
  expect(await writer.write(entry, { subscriptions: ['b'] })).toBe(true)
  await expect.poll(() => update.mock.calls.length).toBe(2)
  expect(onWritten).not.toHaveBeenCalled()
  update.mockResolvedValue(true)
  await expect.poll(() => onWritten.mock.calls).toEqual([[entry]])
  const both = { loggingLevel: 'debug', subscriptions: ['b'] }
  expect(update).toHaveBeenLastCalledWith('s-1', 3, both)
})

it('what the store refuses then is told', async () => {
  const { entry, update, writer, onRefused } = open()
  update.mockRejectedValueOnce(away).mockResolvedValue(false)
  await writer.write(entry, { subscriptions: ['a'] })
  await expect.poll(() => onRefused.mock.calls).toEqual([[entry]])
  expect(update).toHaveBeenCalledTimes(2)
})

it('what is not held any more is nobody’s to write', async () => {
  const { entry, update, writer, isHeld, onWritten } = open()
  update.mockRejectedValueOnce(away)
  await writer.write(entry, { subscriptions: ['a'] })
  isHeld.mockReturnValue(false)
  await expect.poll(() => isHeld.mock.calls.length).toBeGreaterThan(0)
  expect([update.mock.calls.length, onWritten.mock.calls.length]).toEqual([1, 0])
})
