import type { Session } from '@mcp-router/core'
import { expect, it } from 'vitest'
import type { Context } from '../downstream/context.js'
import type { LiveSession } from './live.js'
import { untilKept } from './owed.js'

/** The journal had the request when it was looked at first; its session is another instance's by then, or is not. */
const kept = (isReleased: boolean): Promise<void> =>
  untilKept(
    { deps: { journal: { isUnwritten: () => false } } } as unknown as Context,
    { id: 's', backend: 'web' } as unknown as Session,
    {
      isOver: () => isReleased,
      debts: { isDelivered: () => false },
    } as unknown as LiveSession,
    {} as Parameters<typeof untilKept>[3],
  )

it('a request that the journal has is kept', async () => {
  await expect(kept(false)).resolves.toBeUndefined()
})

it('one of a session that another instance has taken over is not: that may have read the journal before', async () => {
  await expect(kept(true)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
})
