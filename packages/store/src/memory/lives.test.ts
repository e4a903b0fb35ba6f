import type { InstanceId, SessionId } from '@mcp-router/core'
import { expect, it } from 'vitest'
import { maxLives } from './lives.js'
import { memoryStore } from './store.js'

it('the lives that memory holds are bounded: those that were used last stay', async () => {
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  const entry = {
    at: 1,
    kind: 'opened',
    instance: 'router-instance-1' as InstanceId,
    backend: 'weather',
    principal: 'ada',
    endpoint: 'stdio:weather#1',
    epoch: 1,
    cause: '',
  }
  const id = (n: number) => `s-${n}` as SessionId
  for (let n = 0; n < maxLives; n++) await store.lives.note(id(n), entry)
  await store.lives.note(id(0), entry)
  await store.lives.note(id(maxLives), entry)
  expect(await store.lives.read(id(0))).toHaveLength(2)
  expect(await store.lives.read(id(1))).toEqual([])
  expect(await store.lives.read(id(2))).toEqual([entry])
  await store.close()
})
