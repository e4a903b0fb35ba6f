import type { SessionId } from '@mcp-router/core'
import { openStore } from '@mcp-router/testkit/router'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from '../calls/deadlines.js'
import { createAgeing } from '../streams/ageing.js'
import { createDeliveredAnswers } from './delivered-answers.js'

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
  const told = createDeliveredAnswers(callLog, createAgeing(deadlines))
  const kept = async () =>
    (await callLog.entries(session.id)).map(({ entry }) => Number(entry.split('.')[1]))
  return { callLog, told, kept }
}

it('an answer that was told is kept for a while, instead of its request', async () => {
  const { callLog, told, kept } = open()
  await callLog.keep(session.id, 1, entryOf(1, 'the request'))
  told.add(session, call(1), answerTo(1))
  expect(await callLog.entries(session.id)).toEqual([entryOf(1, String(answerTo(1)))])
  await vi.advanceTimersByTimeAsync(19_000)
  expect(await kept()).toEqual([1])
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await kept()).toEqual([])
})

it('of a long one the call log keeps the request', async () => {
  const { callLog, told, kept } = open()
  await callLog.keep(session.id, 1, entryOf(1, 'the request'))
  told.add(session, call(1), answerTo(1, 'x'.repeat(64 * 1024)))
  expect(await callLog.entries(session.id)).toEqual([entryOf(1, 'the request')])
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await kept()).toEqual([])
})

it('beyond a hundred of a session, or a mebibyte, the oldest goes', async () => {
  const { told, kept } = open()
  for (let id = 1; id <= 102; id++) told.add(session, call(id), answerTo(id))
  expect((await kept())[0]).toBe(3)
  for (let id = 201; id <= 220; id++) {
    told.add(session, call(id), answerTo(id, 'x'.repeat(60 * 1024)))
  }
  expect(await kept()).toEqual(Array.from({ length: 17 }, (_, n) => 204 + n))
})

it('those of requests whose id is used again are deleted, and no others', async () => {
  const { callLog, told, kept } = open()
  told.add(session, call(1), answerTo(1))
  told.add(session, call(2), answerTo(2))
  told.add(session, { ...call(3), requestId: '1' }, answerTo(1))
  await told.supersede(session, '1')
  expect(await kept()).toEqual([2])
  expect(told.supersede(session, '1')).toBeUndefined()
  await callLog.keep(session.id, 1, entryOf(4, 'the next request'))
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await kept()).toEqual([4])
})

it('a request whose id is used again is not accepted where they cannot be deleted', async () => {
  const { callLog, told } = open()
  told.add(session, call(1), answerTo(1))
  vi.spyOn(callLog, 'drop').mockRejectedValueOnce(new Error('away'))
  await expect(told.supersede(session, '1')).rejects.toThrow('away')
  await told.supersede(session, '1')
  expect(await callLog.entries(session.id)).toEqual([])
})

it('those of a client that begins anew are forgotten at once', async () => {
  const { told, kept } = open()
  told.add(session, call(1), answerTo(1))
  told.add(session, call(2), answerTo(2))
  told.forget(session)
  expect(await kept()).toEqual([])
})
