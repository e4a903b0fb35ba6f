import { RouterError } from '@mcp-router/core'
import { expect, it, vi } from 'vitest'
import { onceReachable } from './once-reachable.js'

it('waits for a store that comes back', async () => {
  const work = vi.fn<() => Promise<string>>()
  work.mockRejectedValueOnce(new RouterError('STORE_UNAVAILABLE')).mockResolvedValueOnce('here')
  expect(await onceReachable(5_000, work)).toBe('here')
})

it('repeats nothing that failed for another reason', async () => {
  const work = vi.fn<() => Promise<string>>().mockRejectedValue(new Error('wrong password'))
  await expect(onceReachable(5_000, work)).rejects.toThrow('wrong password')
  expect(work).toHaveBeenCalledOnce()
})
