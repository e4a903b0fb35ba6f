import { describe, expect, it } from 'vitest'
import type { Called, Caller } from './caller.js'
import type { Fault, FaultKind } from './fault.js'
import { recoveriesOf } from './recovery.js'
import { planFaults } from './schedule.js'
import { blamedFor, blamedForCall, figuresOf, neverRan, unknownWithoutCause } from './tally.js'
import { openWatch } from './watch.js'

const caller = { name: 'client 1', kind: 'v1 http', backend: 'stdio' } as Caller
const fault = (kind: FaultKind, atMs: number, untilMs?: number, excused = false): Fault => ({
  kind,
  target: 'it',
  atMs,
  untilMs,
  excused,
})
const called = (
  id: string,
  fromMs: number,
  toMs: number,
  kind: 'answered' | 'failed' = 'answered',
  delayMs = 0,
): Called => ({
  caller,
  call: { id, tool: 'append', delayMs, steps: 0 },
  retrySafe: false,
  fromMs,
  toMs,
  outcome: kind === 'answered' ? { kind } : { kind, text: '' },
})

describe('the fault that a call is told with', () => {
  const faults = [
    fault('redis-kill', 100, 5_000, true),
    fault('cut', 200, 200),
    fault('cut', 9_000, 9_000),
  ]
  it('is one that was not over, else the last one before its end', () => {
    expect(blamedFor(faults, 300, 400)?.kind).toBe('redis-kill')
    expect(blamedFor(faults, 150, 250)?.kind).toBe('cut')
    expect(blamedFor(faults, 6_000, 7_000)).toBe(faults[1])
    expect(blamedFor(faults, 10, 20)).toBeUndefined()
  })
})

describe('the fault that a call that hung is told with', () => {
  it('is the one that held for most of its time', () => {
    const faults = [fault('instance-stop', 1_000, 15_000, true), fault('cut', 19_000, 19_000)]
    const hung: Called = { ...called('a', 0, 20_000), outcome: { kind: 'hung', text: '' } }
    expect(blamedForCall(faults, hung)?.kind).toBe('instance-stop')
    expect(blamedForCall(faults.slice(1), hung)?.kind).toBe('cut')
  })
})

describe('recovery', () => {
  it('is from the fault to the end of a call under way, without what the tool takes', () => {
    const calls = [called('a', 1_000, 4_000, 'answered', 1_500)]
    expect(recoveriesOf(calls, [fault('cut', 2_000, 2_000)])).toMatchObject([{ waitMs: 500 }])
  })

  it('is from the next call to the first good answer', () => {
    const calls = [called('a', 3_000, 3_100, 'failed'), called('b', 3_300, 3_700)]
    expect(recoveriesOf(calls, [fault('cut', 2_000, 2_000)])).toMatchObject([{ waitMs: 700 }])
  })

  it('leaves out when something without a stand-in was kept down, once', () => {
    const faults = [
      fault('redis-kill', 1_000, 3_000, true),
      fault('instance-stop', 2_000, 4_000, true),
    ]
    const [first] = recoveriesOf([called('a', 900, 4_600)], faults)
    expect(first).toMatchObject({ waitMs: 600 })
  })
})

describe('the figures', () => {
  const happened = {
    calls: [called('a', 0, 10), called('b', 20, 30), called('c', 40, 50)],
    losses: [],
    faults: [fault('cut', 15, 15)],
    ran: ['a', 'b', 'b'],
  }
  it('tell what ran twice, and under which fault', () => {
    const rows = figuresOf(happened).map(({ fault: name, calls, twice }) => [name, calls, twice])
    expect(rows).toEqual([
      ['cut', 2, 1],
      ['none', 1, 0],
      ['all', 3, 1],
    ])
  })
  it('tell what was answered and never ran', () => {
    expect(neverRan(happened).map(({ call }) => call.id)).toEqual(['c'])
  })
})

describe('a call that was told unknown', () => {
  const told: Called = {
    ...called('a', 5_000, 6_000),
    outcome: { kind: 'told unknown', text: '' },
  }
  const uncaused = (faults: readonly Fault[]): number =>
    unknownWithoutCause({ calls: [told], losses: [], faults, ran: [] }).length
  it('has its cause in a kill meanwhile, or shortly before, and in nothing else', () => {
    expect(uncaused([fault('endpoint-kill', 5_500)])).toBe(0)
    expect(uncaused([fault('child-kill', 4_500, 4_500)])).toBe(0)
    expect(uncaused([fault('child-kill', 3_000, 3_000)])).toBe(1)
    expect(uncaused([fault('cut', 5_500, 5_500), fault('redis-kill', 5_500)])).toBe(1)
    expect(uncaused([fault('instance-kill', 6_500)])).toBe(1)
  })
})

describe('the schedule', () => {
  const length = { seconds: 60, everyMs: 2_000 }
  it('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) => planFaults(seed, ['cut', 'redis-kill'], length)
    expect(plan(7)).toEqual(plan(7))
    expect(plan(7)).not.toEqual(plan(8))
  })
  it('has each kind as often as any other, and none after the end', () => {
    const plan = planFaults(1, ['cut', 'redis-kill', 'nginx-reload'], length)
    expect(plan.map(({ dueMs }) => dueMs).at(-1)).toBe(58_000)
    const firsts = plan.map(({ kinds }) => kinds[0])
    const counts = (['cut', 'redis-kill', 'nginx-reload'] as const).map(
      (kind) => firsts.filter((first) => first === kind).length,
    )
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(2)
  })
  it('is empty where no faults are wanted', () => {
    expect(planFaults(1, ['cut'], { seconds: 60, everyMs: 0 })).toEqual([])
  })
})

describe('a call that met a connection which Nginx had closed', () => {
  const reset = (id: string): Called => ({
    ...called(id, 20, 30, 'failed'),
    outcome: { kind: 'failed', text: 'fetch failed: other side closed (UND_ERR_SOCKET)' },
  })
  const of = (faults: readonly Fault[], ran: readonly string[]) =>
    figuresOf({ calls: [reset('a')], losses: [], faults, ran }).at(-1)

  it('counts as reset behind a reload, where it did not run', () => {
    expect(of([fault('nginx-reload', 10, 10)], [])).toMatchObject({ failed: 0, reset: 1 })
  })

  it('has failed without a reload before it, and where it ran', () => {
    expect(of([fault('nginx-reload', 40, 40)], [])).toMatchObject({ failed: 1, reset: 0 })
    expect(of([fault('nginx-reload', 10, 10)], ['a'])).toMatchObject({ failed: 1, reset: 0 })
  })
})

describe('a call that failed while nobody ran who could answer', () => {
  const flap = (target: string, excused: boolean): Fault => ({
    ...fault('endpoint-flap', 10, 40, excused),
    target,
  })
  const of = (each: Fault) =>
    figuresOf({ calls: [called('a', 20, 30, 'failed')], losses: [], faults: [each], ran: [] }).at(
      -1,
    )

  it('counts as refused, for those alone whose server that was', () => {
    expect(of(fault('cluster-stop', 10, 40))).toMatchObject({ failed: 0, refused: 1 })
    expect(of(flap('stdio-1', true))).toMatchObject({ failed: 0, refused: 1 })
    expect(of(flap('stdio-1', false))).toMatchObject({ failed: 1, refused: 0 })
    expect(of(flap('sse-1', true))).toMatchObject({ failed: 1, refused: 0 })
  })
})

describe('state of a session that is gone though its server lives', () => {
  const outcome = { kind: 'forgot', text: '', sinceMs: 2_000 } as const
  const of = (...faults: readonly Fault[]) =>
    figuresOf({ calls: [{ ...called('a', 9_000, 9_100), outcome }], losses: [], faults, ran: [] })
  const away = fault('redis-away', 1_000, 7_000, true)
  it.each([
    ['an instance was killed while Redis was away', [away, fault('cluster-stop', 6_000, 8_000)], 1],
    ['none was killed', [away, fault('endpoint-kill', 6_000, 8_000)], 0],
    ['one was killed before', [away, fault('instance-kill', 1_500, 2_500)], 0],
    ['one was killed when Redis was back', [away, fault('instance-kill', 8_500, 9_000)], 0],
    ['Redis was not away', [fault('cluster-stop', 6_000, 8_000)], 0],
  ])('is excused where only an instance knew of it: %s', (_, faults, excused) => {
    const all = of(...faults).at(-1)
    expect([all?.forgotAway, all?.forgot]).toEqual([excused, 1 - excused])
  })
})

describe('a call that was refused', () => {
  const away = 'The session store cannot be reached (connection lost); retry in a few seconds'
  const gone = 'the request was sent, and the instance stopped before responding'
  const closed = 'the stream of this session is closed, so the message was not passed on'
  it.each([
    [away, fault('redis-away', 1_000, 8_000, true), 1],
    [away, fault('redis-kill', 1_000, 3_000, true), 0],
    [away, fault('instance-stop', 1_000, 8_000, true), 0],
    [closed, fault('instance-stop', 1_000, 8_000, true), 1],
    [closed, fault('instance-kill', 1_000, 8_000), 0],
    [`told unknown, though it may: ${gone}`, fault('redis-away', 1_000, 8_000, true), 1],
    [`told unknown, though it may: ${gone}`, fault('instance-kill', 1_000, 8_000), 0],
    ['no idea', fault('redis-away', 1_000, 8_000, true), 0],
  ])('with "%s" at a fault is no failure only where the README says so', (text, met, refused) => {
    const refusal: Called = { ...called('a', 2_000, 3_000), outcome: { kind: 'failed', text } }
    const happened = { calls: [refusal], losses: [], faults: [met], ran: [] }
    const all = figuresOf(happened).at(-1)
    expect([all?.refused, all?.failed]).toEqual([refused, 1 - refused])
  })

  it('is counted in the progress line as it is in the table', () => {
    const faults = [fault('redis-away', 1_000, 8_000, true)]
    const watch = openWatch({ nowMs: () => 0, faults, print: () => undefined })
    const [refusal, failure] = [called('a', 2_000, 3_000), called('b', 2_000, 3_000, 'failed')]
    watch.called({ ...refusal, outcome: { kind: 'failed', text: away } })
    watch.called(failure)
    expect(watch.progress()).toContain('1 failed, 1 refused')
  })
})
