import type { BackendName, EndpointId, InstanceId, RouterEvent, SessionId } from '@mcp-router/core'
import { memoryStore } from '@mcp-router/store'
import { expect, it, onTestFinished, vi } from 'vitest'
import { notingLives } from './lives.js'

const id = 's-1' as SessionId
const turn = {
  kind: 'session',
  session: id,
  backend: 'weather' as BackendName,
  principal: 'ada',
  endpoint: 'stdio:weather#1' as EndpointId,
  epoch: 2,
} as const

const open = () => {
  const store = memoryStore({ sessionTtlMs: 60_000, leaseMs: 60_000 })
  onTestFinished(() => store.close())
  const passed: RouterEvent[] = []
  const sink = { emit: (event: RouterEvent) => void passed.push(event) }
  const events = notingLives(sink, store.lives, 'router-instance-2' as InstanceId)
  return { store, passed, events }
}

it('a turn in the life of a session is passed on, and noted with who says so', async () => {
  const { store, passed, events } = open()
  const taken = {
    ...turn,
    action: 'taken over',
    cause: 'router-instance-1 did not answer',
  } as const
  events.emit(taken)
  expect(passed).toEqual([taken])
  const at: unknown = expect.any(Number)
  const { backend, principal, endpoint, epoch } = turn
  const told = { backend, principal, endpoint, epoch, cause: taken.cause }
  expect(await store.lives.read(id)).toEqual([
    { at, kind: 'taken over', instance: 'router-instance-2', ...told },
  ])
})

it('however a session ends, it has ended', async () => {
  const { store, events } = open()
  events.emit({ ...turn, action: 'closed', cause: 'DELETE by the client' })
  events.emit({ ...turn, action: 'expired' })
  const life = await store.lives.read(id)
  expect(life.map(({ kind, cause }) => [kind, cause])).toEqual([
    ['ended', 'DELETE by the client'],
    ['ended', ''],
  ])
})

it('what is no turn of a session is passed on only', async () => {
  const { store, passed, events } = open()
  const stream = { kind: 'stream', action: 'opened', session: id, backend: turn.backend } as const
  events.emit(stream)
  expect(passed).toEqual([stream])
  expect(await store.lives.read(id)).toEqual([])
})

it('a store that is away disturbs nobody', async () => {
  const { store, passed, events } = open()
  const onRejection = vi.fn()
  process.once('unhandledRejection', onRejection)
  await store.close()
  events.emit({ ...turn, action: 'opened' })
  expect(passed).toHaveLength(1)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', onRejection)
  expect(onRejection).not.toHaveBeenCalled()
})
