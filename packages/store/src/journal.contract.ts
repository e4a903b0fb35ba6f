import type { InstanceId, SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import type { Store } from './store.js'

/** describeJournal is the contract of every Journal. */
export const describeJournal = (open: OpenStore) => {
  describe('the journal', () => {
    let store: Store
    const session = 's-1' as SessionId
    const call = (requestId: string) => ({ requestId, body: `{"id":${requestId},"é":"😀"}` })

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('knows what is owed to whom', async () => {
      await store.journal.owe(session, call('1'))
      await store.journal.owe(session, call('"a"'))
      await store.journal.owe('s-2' as SessionId, call('2'))
      const owed = await store.journal.owed(session)
      expect(owed.toSorted((a, b) => (a.requestId < b.requestId ? -1 : 1))).toEqual([
        call('"a"'),
        call('1'),
      ])
    })

    it('forgets what was settled, and nothing else', async () => {
      await store.journal.owe(session, call('1'))
      await store.journal.owe(session, call('2'))
      await store.journal.settle(session, ['1'])
      await store.journal.settle(session, ['never', 'nor this'])
      expect(await store.journal.owed(session)).toEqual([call('2')])
      await store.journal.settle(session, [])
      await store.journal.owe(session, call('3'))
      await store.journal.settle(session, ['2', '3'])
      expect(await store.journal.owed(session)).toEqual([])
    })

    const call1 = { instance: 'i-1' as InstanceId, at: 1, digest: 'd1' }
    const call2 = { instance: 'i-2' as InstanceId, at: 2, digest: 'd2' }

    it('takes a call once, and tells who took it', async () => {
      expect(await store.journal.accept('r-1', call1)).toBeUndefined()
      expect(await store.journal.accept('r-1', call2)).toEqual(call1)
      expect(await store.journal.accept('r-2', call2)).toBeUndefined()
    })

    it('tells how a call ended to whoever asks again', async () => {
      await store.journal.accept('r-1', call1)
      await store.journal.finish('r-1', { ...call1, response: '{"é":"😀"}' })
      expect(await store.journal.accept('r-1', call2)).toEqual({ ...call1, response: '{"é":"😀"}' })
    })

    it('remembers that for as long as is asked', async () => {
      await store.journal.accept('r-1', call1)
      await store.journal.finish('r-1', call1, 20)
      await expect.poll(() => store.journal.accept('r-1', call2), { interval: 5 }).toBeUndefined()
    })

    it('takes a call anew once it was forgotten', async () => {
      await store.journal.accept('r-1', call1)
      await store.journal.forget('r-1')
      await store.journal.forget('never')
      expect(await store.journal.accept('r-1', call2)).toBeUndefined()
    })

    it('owes an answer once, however often it is asked for', async () => {
      await store.journal.owe(session, call('1'))
      await store.journal.owe(session, call('1'))
      expect(await store.journal.owed(session)).toEqual([call('1')])
    })
  })
}
