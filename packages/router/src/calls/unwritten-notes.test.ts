import type { SessionId } from '@mcp-router/core'
import type { Journal, Owed } from '@mcp-router/store'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { patientJournal } from './patient.js'
import { createUnwrittenNotes } from './unwritten-notes.js'

const session = 's-1' as SessionId
const owed = (entry: string, body = `request ${entry}`): Owed => ({ entry, callId: '', body })

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

/** A store that is away at first. */
const openAway = () => {
  const written = new Map<string, string>()
  let isAway = true
  const owe = vi.fn<Journal['owe']>((_, __, { entry, body }) => {
    if (isAway) return Promise.reject(new Error('away'))
    written.set(entry, body)
    return Promise.resolve(true)
  })
  const settle: Journal['settle'] = () =>
    isAway ? Promise.reject(new Error('away')) : Promise.resolve()
  const comeBack = async () => {
    isAway = false
    await vi.advanceTimersByTimeAsync(300)
    return [...written.values()]
  }
  return { owe, settle, comeBack }
}

it('what could not be written is written once the store is back, however long that takes', async () => {
  const { owe, comeBack } = openAway()
  const notes = createUnwrittenNotes({ owe }, vi.fn())
  for (const entry of ['1.1', '1.2']) notes.add(entry, { session, epoch: 1, owed: owed(entry) })
  await vi.advanceTimersByTimeAsync(60_000)
  // One asks for all whether it is back.
  expect(owe.mock.calls.length).toBeLessThan(300)
  expect(await comeBack()).toEqual(['request 1.1', 'request 1.2'])
  owe.mockClear()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(owe).not.toHaveBeenCalled()
})

it('but not what was dropped, and of two notes the later one', async () => {
  const { owe, comeBack } = openAway()
  const notes = createUnwrittenNotes({ owe }, vi.fn())
  for (const entry of ['1.1', '1.2']) notes.add(entry, { session, epoch: 1, owed: owed(entry) })
  notes.drop('1.1')
  notes.add('1.2', { session, epoch: 1, owed: owed('1.2', 'its response') })
  expect(await comeBack()).toEqual(['its response'])
})

it('and of too many the newest', async () => {
  const { owe, comeBack } = openAway()
  const notes = createUnwrittenNotes({ owe }, vi.fn())
  const rest = 'x'.repeat(4 * 1024 * 1024)
  for (const n of ['1', '2', '3', '4', '5'])
    notes.add(n, { session, epoch: 1, owed: owed(n, `${n}${rest}`) })
  expect((await comeBack()).map((body) => body[0])).toEqual(['3', '4', '5'])
})

it('a journal that gives up on its store writes what is owed later, unless it was settled', async () => {
  const { owe, settle, comeBack } = openAway()
  const rest = { owed: vi.fn(), accept: vi.fn(), accepted: vi.fn(), finish: vi.fn() }
  const journal: Journal = {
    ...({ ...rest, forget: vi.fn() } as unknown as Journal),
    owe(...asked) {
      vi.advanceTimersByTime(1_000)
      return owe(...asked)
    },
    settle(...asked) {
      vi.advanceTimersByTime(1_000)
      return settle(...asked)
    },
  }
  const patient = patientJournal(journal, 5_000)
  for (const entry of ['1.1', '1.2'])
    await expect(patient.owe(session, 1, owed(entry))).rejects.toThrow('away')
  await expect(patient.settle(session, 1, ['1.1'])).rejects.toThrow('away')
  expect(await comeBack()).toEqual(['request 1.2'])
})
