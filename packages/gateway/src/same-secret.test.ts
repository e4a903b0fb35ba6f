import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InstanceId } from '@mcp-router/core'
import { createStoreGuard, memoryStore } from '@mcp-router/store'
import { expect, it, onTestFinished } from 'vitest'
import { requireSameSecret } from './same-secret.js'

const id = 'router-instance-1' as InstanceId
const other = 'router-instance-2' as InstanceId

const open = (settleMs = 0) => {
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  onTestFinished(() => store.close())
  const { membership } = store
  const join = (instance: InstanceId, address: string, secretDigest: string) =>
    membership.join({ id: instance, address, pid: 7, startedAt: 1, sessions: 0, secretDigest })
  const check = (self: { id: InstanceId; address?: string } = { id }) =>
    requireSameSecret({
      membership,
      self,
      secretDigest: 'ours',
      settleMs,
      guard: createStoreGuard(0),
    })
  return { join, check }
}

/** An address where an Instance is alive. */
const openAlive = async (onProbed = (): unknown => undefined): Promise<string> => {
  const server = createServer((_, res) => {
    onProbed()
    res.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const nobody = 'http://127.0.0.1:1'

it('refuses where an instance with another secret is alive, and says what to do', async () => {
  const { join, check } = open()
  const address = await openAlive()
  await join(other, address, 'theirs')
  await expect(check()).rejects.toThrow(
    `another cluster secret is in use in this Redis by router-instance-2 at ${address} (pid 7); set the same CLUSTER_SECRET here, stop the other cluster, give this one another Redis database (REDIS_URL), or restart all instances together with the new secret`,
  )
})

it('takes the place of those that are gone, though their leases last', async () => {
  const { join, check } = open()
  await join(other, nobody, 'theirs')
  await expect(check()).resolves.toBeUndefined()
})

it('goes on beside instances with the same secret', async () => {
  const { join, check } = open()
  await join(other, await openAlive(), 'ours')
  await expect(check()).resolves.toBeUndefined()
})

it('goes on where it has the id or the address of a predecessor', async () => {
  const { join, check } = open()
  const address = await openAlive()
  await join(id, address, 'theirs')
  await join(other, address, 'theirs')
  await expect(check({ id, address })).resolves.toBeUndefined()
})

it('waits for one that has just been started and has not replaced its old lease yet', async () => {
  const { join, check } = open(5_000)
  const address: string = await openAlive(() => join(other, address, 'ours'))
  await join(other, address, 'theirs')
  await expect(check()).resolves.toBeUndefined()
})
