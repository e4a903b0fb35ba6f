import { RouterError } from '@mcp-router/core'
import type { SessionStore } from '@mcp-router/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { HeldSession } from './held.js'
import { createUnwritten } from './unwritten.js'

const away = new RouterError('STORE_UNAVAILABLE', { reason: 'gone' })

const open = () => {
  // Nothing else of it is used here.
  const entry = { record: { id: 's-1', epoch: 3 } } as HeldSession
  const update = vi.fn<SessionStore['update']>(() => Promise.resolve(true))
  const isHeld = vi.fn(() => true)
  const [onWritten, onRefused] = [vi.fn(), vi.fn()]
  const unwritten = createUnwritten({ store: { update }, isHeld, onWritten, onRefused })
  onTestFinished(() => unwritten.close())
  return { entry, update, isHeld, onWritten, onRefused, unwritten }
}

it('a change is written at once, and refused where the store says so', async () => {
  const { entry, update, unwritten, onWritten } = open()
  expect(await unwritten.write(entry, { loggingLevel: 'debug' })).toBe(true)
  update.mockResolvedValue(false)
  expect(await unwritten.write(entry, { loggingLevel: 'error' })).toBe(false)
  expect(update).toHaveBeenLastCalledWith('s-1', 3, { loggingLevel: 'error' })
  expect(onWritten).not.toHaveBeenCalled()
})

it('while the store is away changes hold here, and are written together once it is back', async () => {
  const { entry, update, unwritten, onWritten } = open()
  update.mockRejectedValue(away)
  expect(await unwritten.write(entry, { loggingLevel: 'debug', subscriptions: ['a'] })).toBe(true)
  expect(await unwritten.write(entry, { subscriptions: ['b'] })).toBe(true)
  await expect.poll(() => update.mock.calls.length).toBe(2)
  expect(onWritten).not.toHaveBeenCalled()
  update.mockResolvedValue(true)
  await expect.poll(() => onWritten.mock.calls).toEqual([[entry]])
  const both = { loggingLevel: 'debug', subscriptions: ['b'] }
  expect(update).toHaveBeenLastCalledWith('s-1', 3, both)
})

it('what the store refuses then is told', async () => {
  const { entry, update, unwritten, onRefused } = open()
  update.mockRejectedValueOnce(away).mockResolvedValue(false)
  await unwritten.write(entry, { subscriptions: ['a'] })
  await expect.poll(() => onRefused.mock.calls).toEqual([[entry]])
  expect(update).toHaveBeenCalledTimes(2)
})

it('what is not held any more is nobody’s to write', async () => {
  const { entry, update, unwritten, isHeld, onWritten } = open()
  update.mockRejectedValueOnce(away)
  await unwritten.write(entry, { subscriptions: ['a'] })
  isHeld.mockReturnValue(false)
  await expect.poll(() => isHeld.mock.calls.length).toBeGreaterThan(1)
  expect([update.mock.calls.length, onWritten.mock.calls.length]).toEqual([1, 0])
})
