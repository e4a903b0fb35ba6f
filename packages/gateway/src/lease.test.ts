import { RouterError } from '@mcp-router/core'
import type { Instance, InstanceId } from '@mcp-router/core'
import { createStoreGuard } from '@mcp-router/store'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { takeLease } from './lease.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const open = async ({ joinFails = 0 } = {}) => {
  let joins = 0
  const renew = vi.fn<(instance: Instance) => Promise<void>>(() => Promise.resolve())
  const onRegained = vi.fn()
  const joined = { kind: 'joined' as const }
  const id = 'i-1' as InstanceId
  let back: string | undefined
  const lease = await takeLease({
    membership: {
      join: () =>
        joins++ < joinFails
          ? Promise.reject(new RouterError('STORE_UNAVAILABLE'))
          : Promise.resolve(joined),
      renew,
      leave: () => Promise.resolve(),
      list: () => Promise.resolve([]),
      find: () => Promise.resolve(undefined),
    },
    self: () => ({
      id,
      address: 'http://a',
      pid: 1,
      startedAt: 1,
      sessions: 0,
      ...(back && { back }),
    }),
    renewMs: 5_000,
    leaseMs: 15_000,
    guard: createStoreGuard(5_000),
    onError: () => undefined,
    onRegained,
  })
  onTestFinished(() => lease.close())
  return { lease, renew, onRegained, drainAt: (address: string) => (back = address) }
}

it('a store that goes away as the instance starts is waited for', async () => {
  const { lease } = await open({ joinFails: 2 })
  expect(lease.heldSince()).toEqual(expect.any(Number))
})

it('a lease that is renewed in time is held from the start', async () => {
  const { lease } = await open()
  const since = lease.heldSince()
  await vi.advanceTimersByTimeAsync(60_000)
  expect([since, lease.heldSince()]).toEqual([expect.any(Number), since])
})

it('one that was not is held by nobody for sure, and anew from its next renewal on', async () => {
  const { lease, renew, onRegained } = await open()
  const first = lease.heldSince() ?? 0
  renew.mockRejectedValue(new Error('away'))
  await vi.advanceTimersByTimeAsync(15_001)
  expect(lease.heldSince()).toBeUndefined()
  expect(onRegained).not.toHaveBeenCalled()
  renew.mockResolvedValue()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(lease.heldSince()).toBeGreaterThan(first + 15_000)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(onRegained).toHaveBeenCalledOnce()
})

it('what has changed about the instance is told at once', async () => {
  const { lease, renew, drainAt } = await open()
  drainAt('http://b')
  await lease.publish()
  expect(renew.mock.lastCall?.[0]).toMatchObject({ address: 'http://a', back: 'http://b' })
})
