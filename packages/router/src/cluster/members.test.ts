import { secretDigestOf } from '@mcp-router/core'
import type { Instance, InstanceId } from '@mcp-router/core'
import { memoryStore } from '@mcp-router/store'
import { expect, it, onTestFinished } from 'vitest'
import { createMembers } from './members.js'

const instanceAt = (n: number, change: Partial<Instance> = {}): Instance => ({
  id: `router-instance-${n}` as InstanceId,
  address: `http://127.0.0.1:${8050 + n}`,
  pid: n,
  startedAt: 1,
  sessions: 0,
  ...change,
})

const same = instanceAt(1, { secretDigest: secretDigestOf('ours') })
const unknown = instanceAt(2)
const foreign = instanceAt(3, { secretDigest: secretDigestOf('theirs') })

it('leaves out instances with another cluster secret', async () => {
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  for (const each of [same, unknown, foreign]) await store.membership.join(each)
  const members = createMembers(store.membership, 'ours')
  onTestFinished(() => {
    members.close()
    return store.close()
  })
  const watched = new Promise((resolve) => members.watch(resolve))
  expect(await watched).toEqual([same, unknown])
  expect(await members.all()).toEqual([same, unknown])
  expect(await members.find(same.id)).toEqual(same)
  expect(await members.find(foreign.id)).toBeUndefined()
  const homes = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => members.home(key)))
  expect(homes).not.toContainEqual(foreign)
})

it('knows who lived lately while the store is away', async () => {
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  let isAway = false
  const { membership } = store
  const failing = {
    ...membership,
    list: () => answer(() => membership.list()),
    find: (id: InstanceId) => answer(() => membership.find(id)),
  }
  const answer = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isAway) throw new Error('away')
    return work()
  }
  for (const each of [same, unknown]) await membership.join(each)
  const members = createMembers(failing, 'ours')
  onTestFinished(() => {
    members.close()
    return store.close()
  })
  await members.all()
  // As when it was paused for longer than its lease.
  await membership.leave(same.id)
  members.forget(same.id)
  expect([await members.lately(), await members.find(same.id)]).toEqual([[unknown], undefined])
  isAway = true
  members.forget(same.id)
  expect(await members.all()).toEqual([unknown])
  expect(await members.lately()).toEqual([same, unknown])
  expect(await members.find(same.id)).toEqual(same)
})
