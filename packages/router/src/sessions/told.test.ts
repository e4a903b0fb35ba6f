import type { SessionId } from '@mcp-router/core'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createDeadlines } from '../deadlines.js'
import { openStore } from '../testing/gateway.js'
import { ageingOf } from './ageing.js'
import { createTold } from './told.js'

const session = 's-1' as SessionId
const answerTo = (id: number, text = ''): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: { text } }))

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

const open = () => {
  const { journal } = openStore()
  const deadlines = createDeadlines()
  onTestFinished(() => deadlines.close())
  const told = createTold(journal, ageingOf(deadlines))
  const kept = async () => (await journal.owed(session)).map(({ requestId }) => Number(requestId))
  return { journal, told, kept }
}

it('an answer that was told is kept for a while, instead of its request', async () => {
  const { journal, told, kept } = open()
  await journal.owe(session, { requestId: '1', body: 'the request' })
  told.add(session, '1', answerTo(1))
  expect(await journal.owed(session)).toEqual([{ requestId: '1', body: String(answerTo(1)) }])
  await vi.advanceTimersByTimeAsync(19_000)
  expect(await kept()).toEqual([1])
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await kept()).toEqual([])
})

it('of a long one the journal keeps the request', async () => {
  const { journal, told, kept } = open()
  await journal.owe(session, { requestId: '1', body: 'the request' })
  told.add(session, '1', answerTo(1, 'x'.repeat(64 * 1024)))
  expect(await journal.owed(session)).toEqual([{ requestId: '1', body: 'the request' }])
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await kept()).toEqual([])
})

it('beyond a hundred of a session, or a mebibyte, the oldest goes', async () => {
  const { told, kept } = open()
  for (let id = 1; id <= 102; id++) told.add(session, String(id), answerTo(id))
  expect((await kept())[0]).toBe(3)
  for (let id = 201; id <= 220; id++) {
    told.add(session, String(id), answerTo(id, 'x'.repeat(60 * 1024)))
  }
  expect(await kept()).toEqual(Array.from({ length: 17 }, (_, n) => 204 + n))
})

it('a request that comes under an id that was used before is not taken out with the old answer', async () => {
  const { journal, told } = open()
  told.add(session, '1', answerTo(1))
  told.withdraw(session, '1')
  await journal.owe(session, { requestId: '1', body: 'another' })
  await vi.advanceTimersByTimeAsync(40_000)
  expect(await journal.owed(session)).toEqual([{ requestId: '1', body: 'another' }])
})

it('those of a client that begins anew are forgotten at once', async () => {
  const { told, kept } = open()
  told.add(session, '1', answerTo(1))
  told.add(session, '2', answerTo(2))
  told.forget(session)
  expect(await kept()).toEqual([])
})
