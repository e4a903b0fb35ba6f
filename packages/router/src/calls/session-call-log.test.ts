import type { SessionId } from '@mcp-router/core'
import { openStore } from '@mcp-router/testkit/router'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from './deadlines.js'
import { createAgeing } from '../streams/ageing.js'
import { SessionCallLog } from './session-call-log.js'

const session = { id: 's-1' as SessionId, epoch: 1 }
const call = (id: number | string) => ({
  entry: `1.${id}`,
  callId: '',
  requestId: String(id),
})
const entryOf = (id: number, body: string) => ({ entry: `1.${id}`, callId: '', body })
const answerTo = (id: number, text = ''): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: { text } }))

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

const open = () => {
  const { callLog } = openStore()
  const deadlines = createDeadlines()
  onTestFinished(() => deadlines.close())
  const written = new SessionCallLog(callLog, createAgeing(deadlines))
  const kept = async () =>
    (await callLog.entries(session.id)).map(({ entry }) => Number(entry.split('.')[1]))
  return { callLog, written, kept }
}

it('an answer that was delivered is kept for a while, instead of its request', async () => {
  const { callLog, written, kept } = open()
  await callLog.keep(session.id, 1, entryOf(1, 'the request'))
  written.addDelivered(session, call(1), answerTo(1))
  expect(await callLog.entries(session.id)).toEqual([entryOf(1, String(answerTo(1)))])
  await vi.advanceTimersByTimeAsync(19_000)
  expect(await kept()).toEqual([1])
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await kept()).toEqual([])
})

it('of a long one the call log keeps the request', async () => {
  const { callLog, written, kept } = open()
  await callLog.keep(session.id, 1, entryOf(1, 'the request'))
  written.addDelivered(session, call(1), answerTo(1, 'x'.repeat(64 * 1024)))
  expect(await callLog.entries(session.id)).toEqual([entryOf(1, 'the request')])
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await kept()).toEqual([])
})

it('beyond a hundred of a session, or a mebibyte, the oldest goes', async () => {
  const { written, kept } = open()
  for (let id = 1; id <= 102; id++) written.addDelivered(session, call(id), answerTo(id))
  expect((await kept())[0]).toBe(3)
  for (let id = 201; id <= 220; id++) {
    written.addDelivered(session, call(id), answerTo(id, 'x'.repeat(60 * 1024)))
  }
  expect(await kept()).toEqual(Array.from({ length: 17 }, (_, n) => 204 + n))
})

it('those of requests whose id is used again are deleted, and no others', async () => {
  const { callLog, written, kept } = open()
  written.addDelivered(session, call(1), answerTo(1))
  written.addDelivered(session, call(2), answerTo(2))
  written.addDelivered(session, { ...call(3), requestId: '1' }, answerTo(1))
  await written.supersede(session, '1')
  expect(await kept()).toEqual([2])
  expect(written.supersede(session, '1')).toBeUndefined()
  await callLog.keep(session.id, 1, entryOf(4, 'the next request'))
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await kept()).toEqual([4])
})

it('a request whose id is used again is not accepted where they cannot be deleted', async () => {
  const { callLog, written } = open()
  written.addDelivered(session, call(1), answerTo(1))
  vi.spyOn(callLog, 'drop').mockRejectedValueOnce(new Error('away'))
  await expect(written.supersede(session, '1')).rejects.toThrow('away')
  await written.supersede(session, '1')
  expect(await callLog.entries(session.id)).toEqual([])
})

it('those of a client that begins anew are forgotten at once', async () => {
  const { written, kept } = open()
  written.addDelivered(session, call(1), answerTo(1))
  written.addDelivered(session, call(2), answerTo(2))
  written.dropDelivered(session)
  expect(await kept()).toEqual([])
})
