import type { EndpointId, InstanceId, Session, SessionId } from '@mcp-router/core'
import type { LifeEntry } from '@mcp-router/store'
import { expect, it } from 'vitest'
import { summaryOf } from './life-summary.js'

const first = 'router-instance-1' as InstanceId
const second = 'router-instance-2' as InstanceId
const now = Date.parse('2026-03-02T12:04:00Z')

const entry = (time: string, kind: string, change: Partial<LifeEntry> = {}): LifeEntry => ({
  at: Date.parse(`2026-03-02T${time}Z`),
  kind,
  instance: first,
  backend: 'weather',
  principal: 'ada',
  endpoint: 'http://127.0.0.1:8071/mcp',
  epoch: 1,
  cause: '',
  ...change,
})

const record: Session = {
  id: 's-1' as SessionId,
  backend: 'weather' as Session['backend'],
  principal: 'ada',
  downstream: 'http',
  instance: second,
  epoch: 2,
  endpoint: 'stdio:weather#1' as EndpointId,
  place: 'place-1',
  backendSessionId: '',
  revision: '2025-06-18',
  initialize: '{}',
  loggingLevel: '',
  subscriptions: [],
  lastActive: now - 3_000,
}

const told = (life: readonly LifeEntry[], of: Session | undefined = record): string =>
  summaryOf({ record: of, life, now, ttlMs: 1_800_000 })

it('a takeover is told with its cause, and once', () => {
  const cause = 'the lease of router-instance-1 had ended'
  const life = [
    entry('12:01:03', 'opened'),
    entry('12:03:10', 'taken over', { instance: second, cause }),
    entry('12:03:11', 'replayed', { instance: second, cause: 'it was taken over' }),
    entry('12:03:12', 'settled', { instance: second }),
    entry('12:03:13', 'resumed', { instance: second }),
  ]
  expect(told(life)).toBe(
    'opened 12:01:03 at router-instance-1, taken over by router-instance-2 at 12:03:10 because the lease of router-instance-1 had ended; still open; last used 3 s ago (times are UTC)',
  )
})

it.each([
  ['re-initialized', 're-initialized at 12:02:00 by router-instance-1 because x'],
  ['moved', 'moved to http://127.0.0.1:8071/mcp at 12:02:00 because x'],
  ['replayed', 'its handshake replayed on a new connection at 12:02:00 because x'],
  ['reconnected', 'reconnected at 12:02:00 because x'],
  ['restored', 'written to the store again by router-instance-1 at 12:02:00 because x'],
  ['released', 'released by router-instance-1 at 12:02:00 because x'],
  ['ended', 'ended 12:02:00 at router-instance-1 (x)'],
  ['danced', 'danced 12:02:00 at router-instance-1 because x'],
])('%s has words of its own', (kind, words) => {
  const life = [entry('12:01:03', 'opened'), entry('12:02:00', kind, { cause: 'x' })]
  expect(told(life)).toContain(`opened 12:01:03 at router-instance-1, ${words}; still open`)
})

it('an end is the end of the sentence', () => {
  const life = [entry('12:01:03', 'opened'), entry('12:02:00', 'ended', { cause: 'DELETE' })]
  expect(summaryOf({ record: undefined, life, now, ttlMs: 1 })).toBe(
    'opened 12:01:03 at router-instance-1, ended 12:02:00 at router-instance-1 (DELETE) (times are UTC)',
  )
})

it('a record that went without a word is told of, too', () => {
  const life = [entry('12:01:03', 'opened')]
  expect(summaryOf({ record: undefined, life, now, ttlMs: 1_800_000 })).toContain(
    '; its record is gone: it was unused for 1800 s, or the store lost it',
  )
})

it('of an id that was opened again the last life is told', () => {
  const life = [
    entry('11:00:00', 'opened'),
    entry('11:01:00', 'ended'),
    entry('12:01:03', 'opened', { instance: second }),
  ]
  expect(told(life)).toMatch(/^opened 12:01:03 at router-instance-2; still open/)
})

it('a long life is told by its last turns', () => {
  const turns = Array.from({ length: 9 }, (_, n) => entry(`12:02:0${n}`, 're-initialized'))
  const text = told([entry('12:01:03', 'opened'), ...turns])
  expect(text).toContain('opened 12:01:03 at router-instance-1, 4 more events, re-initialized at')
  expect(text.match(/re-initialized/g)).toHaveLength(5)
})

it('a life without its begin says so', () => {
  expect(told([entry('12:02:00', 'moved')])).toMatch(/^its beginning is no longer recorded, moved/)
  expect(told([])).toMatch(/^its beginning is no longer recorded; still open/)
})

it('the day is told where it is another', () => {
  expect(told([entry('12:01:03', 'opened', { at: now - 86_400_000 })])).toMatch(
    /^opened 2026-03-01 12:04:00 at/,
  )
})
