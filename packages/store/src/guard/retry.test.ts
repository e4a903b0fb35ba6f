import { RouterError } from '@mcp-router/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createStoreGuard } from './store-guard.js'

const { retry, patience } = createStoreGuard(2_500)

it('waits for a store that comes back', async () => {
  const work = vi.fn<() => Promise<string>>()
  work.mockRejectedValueOnce(new RouterError('STORE_UNAVAILABLE')).mockResolvedValueOnce('here')
  expect(await retry(work, patience.required)).toBe('here')
})

it('repeats nothing that failed for another reason', async () => {
  const work = vi.fn<() => Promise<string>>().mockRejectedValue(new Error('wrong password'))
  await expect(retry(work, patience.required)).rejects.toThrow('wrong password')
  expect(work).toHaveBeenCalledOnce()
})

it('gives up on one that stays away', async () => {
  const short = createStoreGuard(125)
  const away = new RouterError('STORE_UNAVAILABLE')
  await expect(short.retry(() => Promise.reject(away), short.patience.required)).rejects.toBe(away)
})

it('goes on where this process was paused for longer than that', async () => {
  const clock = performance.now.bind(performance)
  let pausedMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => clock() + pausedMs)
  onTestFinished(() => void vi.restoreAllMocks())
  const work = vi.fn<() => Promise<string>>()
  work.mockRejectedValueOnce(new RouterError('STORE_UNAVAILABLE'))
  work.mockImplementationOnce(() => {
    pausedMs = 60_000
    return Promise.reject(new RouterError('STORE_UNAVAILABLE'))
  })
  work.mockResolvedValueOnce('here')
  expect(await retry(work, patience.required)).toBe('here')
})
