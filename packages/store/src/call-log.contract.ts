import type { InstanceId, SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import { aSession } from './session-store.contract.js'
import type { Store } from './store.js'

/** describeCallLog is the contract of every CallLog. */
export const describeCallLog = (open: OpenStore) => {
  describe('the call log', () => {
    let store: Store
    const session = 's-1' as SessionId
    const call = (entry: string) => ({
      entry,
      callId: `r-${entry}`,
      body: `{"é":"😀\\n"}\n${entry}`,
    })
    const sorted = (calls: readonly { readonly entry: string }[]) =>
      calls.toSorted((a, b) => (a.entry < b.entry ? -1 : 1))

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('knows which calls are whose', async () => {
      await store.callLog.keep(session, 1, call('1.1'))
      await store.callLog.keep(session, 1, { ...call('1.2'), callId: '' })
      await store.callLog.keep('s-2' as SessionId, 1, call('1.3'))
      expect(sorted(await store.callLog.entries(session))).toEqual([
        call('1.1'),
        { ...call('1.2'), callId: '' },
      ])
    })

    it('knows what was repeated', async () => {
      const repeated = { ...call('1.1'), isRepeated: true }
      const unnamed = { ...call('1.2'), callId: '', isRepeated: true }
      await store.callLog.keep(session, 1, call('1.1'))
      await store.callLog.keep(session, 1, repeated)
      await store.callLog.keep(session, 1, unnamed)
      expect(sorted(await store.callLog.entries(session))).toEqual([repeated, unnamed])
    })

    it('forgets what was settled, and nothing else', async () => {
      await store.callLog.keep(session, 1, call('1'))
      await store.callLog.keep(session, 1, call('2'))
      await store.callLog.drop(session, 1, ['1'])
      await store.callLog.drop(session, 1, ['never', 'nor this'])
      expect(await store.callLog.entries(session)).toEqual([call('2')])
      await store.callLog.drop(session, 1, [])
      await store.callLog.keep(session, 1, call('3'))
      await store.callLog.drop(session, 1, ['2', '3'])
      expect(await store.callLog.entries(session)).toEqual([])
    })

    it('takes nothing from a writer whose session another instance has claimed', async () => {
      const record = aSession({ epoch: 1 })
      await store.sessions.create(record)
      await store.callLog.keep(record.id, 1, call('1.1'))
      await store.sessions.claim(record.id, 1, 'i-2' as InstanceId)
      expect(await store.callLog.keep(record.id, 2, call('2.1'))).toBe(true)
      expect(await store.callLog.keep(record.id, 1, { ...call('1.1'), body: 'late' })).toBe(false)
      expect(await store.callLog.keep(record.id, 1, call('1.2'))).toBe(false)
      await store.callLog.drop(record.id, 1, ['1.1', '2.1'])
      expect(sorted(await store.callLog.entries(record.id))).toEqual([call('1.1'), call('2.1')])
      await store.callLog.drop(record.id, 2, ['1.1', '2.1'])
      expect(await store.callLog.entries(record.id)).toEqual([])
    })

    const call1 = { instance: 'i-1' as InstanceId, at: 1, digest: 'd1' }
    const call2 = { instance: 'i-2' as InstanceId, at: 2, digest: 'd2' }

    it('takes a call once, and tells who took it', async () => {
      expect(await store.callLog.accept('r-1', call1)).toBeUndefined()
      expect(await store.callLog.accept('r-1', call2)).toEqual(call1)
      expect(await store.callLog.accept('r-2', call2)).toBeUndefined()
    })

    it('tells what was noted of a call without taking it', async () => {
      expect(await store.callLog.find('r-1')).toBeUndefined()
      await store.callLog.accept('r-1', call1)
      expect(await store.callLog.find('r-1')).toEqual(call1)
    })

    it('tells how a call ended to whoever asks again', async () => {
      await store.callLog.accept('r-1', call1)
      await store.callLog.finish('r-1', { ...call1, response: '{"é":"😀"}' })
      expect(await store.callLog.accept('r-1', call2)).toEqual({ ...call1, response: '{"é":"😀"}' })
    })

    it('remembers that for as long as is asked', async () => {
      await store.callLog.accept('r-1', call1)
      await store.callLog.finish('r-1', call1, 20)
      const isFree = async () => (await store.callLog.accept('r-1', call2)) === undefined
      await vi.waitUntil(isFree, { timeout: 1_000, interval: 5 })
    })

    it('takes a call anew once it was forgotten', async () => {
      await store.callLog.accept('r-1', call1)
      await store.callLog.release('r-1')
      await store.callLog.release('never')
      expect(await store.callLog.accept('r-1', call2)).toBeUndefined()
    })

    it('keeps an answer once, however often it is asked for', async () => {
      await store.callLog.keep(session, 1, call('1'))
      await store.callLog.keep(session, 1, call('1'))
      expect(await store.callLog.entries(session)).toEqual([call('1')])
    })
  })
}
