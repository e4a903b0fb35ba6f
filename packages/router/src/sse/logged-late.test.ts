import type { Session } from '@mcp-router/core'
import { createStoreGuard } from '@mcp-router/store'
import { expect, it, vi } from 'vitest'
import type { Context } from '../context.js'
import type { LiveSession } from '../path/owned/live.js'
import { untilLogged } from './pending.js'

/** The callLog had the request when it was looked at first, or refused it; its session is another instance's by then, or is not. */
const kept = ({ isReleased = false, isSuperseded = false, isHeldAgain = false }) => {
  const forget = vi.fn(() => Promise.resolve())
  const live = {
    isOver: () => isReleased,
    outlet: { isDelivered: () => false },
  } as unknown as LiveSession
  const held = () => ({ live: isHeldAgain ? undefined : live })
  const callLog = { isUnwritten: () => false, isSuperseded: () => isSuperseded }
  const outcome = untilLogged(
    {
      deps: { callLog, guard: createStoreGuard(5_000) },
      sessions: { forget, held },
    } as unknown as Context,
    { id: 's', backend: 'web' } as unknown as Session,
    live,
    {} as Parameters<typeof untilLogged>[3],
  )
  return { forget, outcome }
}

it('a request that the call log has is kept', async () => {
  await expect(kept({}).outcome).resolves.toBeUndefined()
})

it.each([
  [{ isReleased: true }, 0],
  [{ isSuperseded: true }, 1],
  [{ isSuperseded: true, isHeldAgain: true }, 0],
])(
  'one of a session that another instance has taken over is not: that has read the call log before (%j)',
  async (how, forgotten) => {
    const { outcome, forget } = kept(how)
    await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    // What is left of it here goes; not what this instance has taken over again.
    expect(forget).toHaveBeenCalledTimes(forgotten)
  },
)

it('one that was delivered by a process that was paused is not, before it is written: its session may be elsewhere', async () => {
  const state = { isUnwritten: true, isDelivered: false, isSuperseded: false }
  const outcome = untilLogged(
    {
      deps: {
        callLog: {
          isUnwritten: () => state.isUnwritten,
          isSuperseded: () => state.isSuperseded,
        },
        guard: createStoreGuard(5_000),
      },
      sessions: { held: () => undefined },
    } as unknown as Context,
    { id: 's', backend: 'web' } as unknown as Session,
    {
      isOver: () => false,
      outlet: { isDelivered: () => state.isDelivered },
    } as unknown as LiveSession,
    {} as Parameters<typeof untilLogged>[3],
  )
  const settled = vi.fn()
  outcome.then(settled, settled)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100)
  state.isDelivered = true
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(settled).not.toHaveBeenCalled()
  state.isSuperseded = true
  await expect(outcome).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
})
