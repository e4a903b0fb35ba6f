import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackendName, EndpointId, SessionId } from '@mcp-router/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createObserver } from './observer.js'
import { aCall } from './call-event.fixture.js'

const open = (level = 'info') => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-observe-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'router.log')
  const observer = createObserver({
    instance: 'router-instance-1',
    level,
    file,
    nameSession: (id) => id && `hash of ${id}`,
  })
  const read = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  /** Closes the log and reads it, line by line. */
  const lines = async () => {
    await observer.close()
    return read()
  }
  return { observer, lines, read }
}

const backend = 'local' as BackendName
const endpoint = 'stdio:local#1' as EndpointId

describe('an endpoint that cannot be reached', () => {
  it('is logged once, until it was open or fails for another reason', async () => {
    const { observer, lines } = open()
    const upstream = { kind: 'upstream', backend, endpoint } as const
    const refused = (reason: string): void =>
      observer.emit({ ...upstream, action: 'refused', reason })
    for (let time = 0; time < 3; time++) refused('connect ECONNREFUSED')
    refused('HTTP 404')
    refused('HTTP 404')
    observer.emit({ ...upstream, action: 'opened', reason: 'http' })
    refused('HTTP 404')
    expect((await lines()).map(({ message, reason }) => [message, reason])).toEqual([
      ['upstream refused', 'connect ECONNREFUSED'],
      ['upstream refused', 'HTTP 404'],
      ['upstream opened', 'http'],
      ['upstream refused', 'HTTP 404'],
    ])
  })
})

describe('a command that exits at once, started again and again', () => {
  it('is logged once, with what it wrote, until it was open', async () => {
    const { observer, lines } = open()
    const upstream = { kind: 'upstream', backend, endpoint } as const
    const start = (pid: number): void => {
      observer.emit({ kind: 'stderr', backend, pid, line: 'no such key' })
      observer.emit({ ...upstream, action: 'refused', reason: 'exited with 1' })
      const reason = 'opening local#1: exited with 1; stderr: no such key'
      observer.emit({ ...upstream, action: 'refused', reason })
    }
    for (let pid = 1; pid < 15; pid++) start(pid)
    observer.emit({ ...upstream, action: 'opened', reason: 'pid 15' })
    observer.emit({ kind: 'stderr', backend, pid: 15, line: 'no such key' })
    observer.emit({ kind: 'stderr', backend, pid: 15, line: 'no such key' })
    expect((await lines()).map(({ message, reason, pid }) => [message, reason ?? pid])).toEqual([
      ['no such key', 1],
      ['upstream refused', 'exited with 1'],
      ['upstream refused', 'opening local#1: exited with 1; stderr: no such key'],
      ['upstream opened', 'pid 15'],
      ['no such key', 15],
      ['no such key', 15],
    ])
  })
})

describe('the line of a call', () => {
  it('is JSON with all that is known of it, and nothing else', async () => {
    const { observer, lines } = open()
    observer.emit(aCall())
    expect(await lines()).toEqual([
      {
        timestamp: '2025-01-02T03:04:05.007Z',
        level: 'info',
        message: 'call',
        instance: 'router-instance-1',
        requestId: 'r-1',
        session: 'hash of s-1',
        principal: 'ada',
        downstream: 'http',
        backend: 'weather',
        endpoint: 'http://127.0.0.1:8071/mcp',
        method: 'tools/call',
        status: 200,
        durationMs: 12.3,
        outcome: 'ok',
      },
    ])
  })

  it.each(['"', '\\', '\n{"level":"error"}', '\u2028', 'é😀', '\ud800', '{}', ' '])(
    'is one line of JSON whatever a client calls its method: %j',
    async (odd) => {
      const { observer, lines } = open()
      observer.emit(aCall({ method: odd, session: odd, principal: odd, outcome: odd }))
      observer.emit(aCall())
      const [first, ...rest] = await lines()
      expect(first).toMatchObject({
        method: odd,
        session: `hash of ${odd}`,
        principal: odd,
        outcome: odd,
      })
      expect(rest).toHaveLength(1)
    },
  )

  it('is there for every call, in order, when the log was closed', async () => {
    const { observer, lines } = open()
    const start = Date.parse('2025-01-02T03:04:59.990Z')
    for (let n = 0; n < 1_050; n++) observer.emit(aCall({ requestId: `r-${n}`, at: start + n }))
    const all = await lines()
    expect(all.map(({ requestId }) => requestId)).toEqual(
      Array.from({ length: 1_050 }, (_, n) => `r-${n}`),
    )
    expect(all.map(({ timestamp }) => Date.parse(String(timestamp)))).toEqual(
      Array.from({ length: 1_050 }, (_, n) => start + n),
    )
  })

  it('is not written at level warn, and calls are counted all the same', async () => {
    const { observer, lines } = open('warn')
    for (let n = 0; n < 200; n++) observer.emit(aCall())
    expect(await observer.metrics.render(new Map())).toMatch(/mcp_router_calls_total\{.*\} 200/)
    expect(await lines()).toEqual([])
  })
})

describe('the line of a call that failed', () => {
  const failed = { status: 502, outcome: 'UPSTREAM_FAILED', reason: 'other side closed' }

  it.each([
    ['warn', failed],
    ['warn', { status: 200, outcome: 'OUTCOME_UNKNOWN', reason: 'the instance stopped' }],
    ['warn', { status: 200, outcome: 'DEADLINE_PASSED' }],
    ['info', { status: 404, outcome: 'SESSION_NOT_FOUND' }],
    ['info', { status: 499, outcome: 'CLIENT_LEFT' }],
  ])('is of level %s for %j', async (level, change) => {
    const { observer, lines } = open()
    observer.emit(aCall(change))
    const [line] = await lines()
    expect(line).toMatchObject({ level, message: 'call', ...change })
    expect('reason' in (line ?? {})).toBe('reason' in change)
  })

  it('is written at level warn, and not at level error', async () => {
    const [warning, error] = [open('warn'), open('error')]
    for (const { observer } of [warning, error]) {
      observer.emit(aCall())
      observer.emit(aCall(failed))
    }
    expect(await warning.lines()).toMatchObject([{ level: 'warn', ...failed }])
    expect(await error.lines()).toEqual([])
  })

  it('names the server that was asked for, and the metrics do not', async () => {
    const { observer, lines } = open()
    observer.emit(
      aCall({ backend: '', requested: 'nope', status: 404, outcome: 'BACKEND_UNKNOWN' }),
    )
    expect(await observer.metrics.render(new Map())).not.toContain('nope')
    expect(await lines()).toMatchObject([{ backend: 'nope' }])
  })
})

describe('other events', () => {
  it('are lines at the level of their weight', async () => {
    const { observer, lines } = open('debug')
    const session = 's-1' as SessionId
    const upstream = { kind: 'upstream', backend, endpoint, reason: 'exited with 1' } as const
    observer.emit({
      kind: 'session',
      action: 'opened',
      session,
      backend,
      principal: 'ada',
      endpoint,
    })
    observer.emit({ kind: 'stream', action: 'opened', session, backend })
    observer.emit({ ...upstream, action: 'closed' })
    observer.emit({ ...upstream, action: 'lost' })
    observer.emit({ ...upstream, action: 'refused' })
    observer.emit({ kind: 'stderr', backend, pid: 7, line: 'Error: "no"' })
    observer.emit({ kind: 'fault', doing: 'touching sessions', error: new Error('gone') })
    expect(await lines()).toMatchObject([
      {
        level: 'info',
        message: 'session opened',
        session: 'hash of s-1',
        principal: 'ada',
        endpoint,
      },
      { level: 'debug', message: 'stream opened', session: 'hash of s-1' },
      { level: 'info', message: 'upstream closed' },
      { level: 'warn', message: 'upstream lost', backend, endpoint, reason: 'exited with 1' },
      { level: 'warn', message: 'upstream refused' },
      { level: 'info', message: 'Error: "no"', backend, pid: 7, from: 'stderr' },
      {
        level: 'error',
        message: 'touching sessions: gone',
        stack: expect.stringContaining('gone'),
      },
    ])
  })

  it('of the store are one line and a gauge each time it goes and comes back', async () => {
    const { observer, lines } = open()
    const isUp = async () =>
      /^mcp_router_store_up\{.*\} (\d)$/m.exec(await observer.metrics.render(new Map()))?.[1]
    expect(await isUp()).toBe('1')
    observer.emit({ kind: 'store', up: false, reason: 'connect ECONNREFUSED' })
    expect(await isUp()).toBe('0')
    observer.emit({ kind: 'store', up: true, afterMs: 4_000 })
    expect(await isUp()).toBe('1')
    expect(await lines()).toMatchObject([
      {
        level: 'warn',
        message: 'store.unavailable',
        reason: 'connect ECONNREFUSED',
        effect: expect.stringContaining('new sessions are refused'),
      },
      { level: 'info', message: 'store.available', afterMs: 4_000 },
    ])
  })

  it('carry when and where', async () => {
    const { observer, lines } = open()
    observer.log.info('ready', { address: 'http://127.0.0.1:8051' })
    const [line] = await lines()
    expect(line).toMatchObject({ instance: 'router-instance-1', address: 'http://127.0.0.1:8051' })
    expect(Object.keys(line ?? {}).slice(0, 4)).toEqual([
      'timestamp',
      'level',
      'message',
      'instance',
    ])
    expect(String(line?.['timestamp'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('that come after the end are dropped', async () => {
    const { observer, lines, read } = open()
    expect(await lines()).toEqual([])
    observer.emit(aCall())
    observer.emit({ kind: 'stderr', backend, pid: 7, line: 'late' })
    expect(read()).toEqual([])
  })
})
