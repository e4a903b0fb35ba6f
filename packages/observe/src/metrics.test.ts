import type { BackendName, EndpointId, RouterEvent, SessionId } from '@mcp-router/core'
import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.js'
import { aCall } from './call-event.fixture.js'

/** The values of one series by its labels, without those that every series has. */
const series = async (
  name: string,
  events: readonly RouterEvent[],
  sessions = new Map<string, number>(),
) => {
  const metrics = createMetrics('router-instance-1')
  for (const event of events) metrics.count(event)
  const text = await metrics.render(sessions)
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = '', value] = /^[^{]+\{(.*)\} (.*)$/.exec(line) ?? []
      expect(labels).toContain('instance="router-instance-1"')
      return [labels.replace(/,?instance="[^"]*",?/, ''), Number(value)]
    }),
  )
}

describe('calls', () => {
  it('are counted by backend, downstream, method and outcome', async () => {
    const failed = aCall({ status: 504, outcome: 'DEADLINE_PASSED' })
    const events = [aCall(), aCall(), failed, aCall({ backend: 'old', downstream: 'sse' })]
    expect(await series('mcp_router_calls_total', events)).toEqual({
      'backend="weather",downstream="http",method="tools/call",outcome="ok"': 2,
      'backend="weather",downstream="http",method="tools/call",outcome="DEADLINE_PASSED"': 1,
      'backend="old",downstream="sse",method="tools/call",outcome="ok"': 1,
    })
    expect(await series('mcp_router_errors_total', events)).toEqual({
      'backend="weather",outcome="DEADLINE_PASSED"': 1,
    })
  })

  it('of methods that clients make up are counted as one', async () => {
    const events = Array.from({ length: 1_000 }, (_, n) => aCall({ method: `made/up-${n}` }))
    expect(await series('mcp_router_calls_total', events)).toEqual({
      'backend="weather",downstream="http",method="other",outcome="ok"': 1_000,
    })
  })

  it('are timed in buckets, each of which holds those before it', async () => {
    const events = [0.5, 1, 3, 70_000].map((durationMs) => aCall({ durationMs }))
    const buckets = await series('mcp_router_call_duration_seconds_bucket', events)
    const at = (le: string) => buckets[`le="${le}",backend="weather",downstream="http"`]
    expect([at('0.001'), at('0.0025'), at('0.005'), at('60'), at('+Inf')]).toEqual([2, 2, 3, 3, 4])
    const of = 'backend="weather",downstream="http"'
    expect((await series('mcp_router_call_duration_seconds_count', events))[of]).toBe(4)
    expect((await series('mcp_router_call_duration_seconds_sum', events))[of]).toBeCloseTo(70.0045)
  })

  it('that are streams are not timed', async () => {
    const events = [aCall({ method: 'GET', durationMs: 100_000 })]
    expect(await series('mcp_router_call_duration_seconds_count', events)).toEqual({})
    expect(Object.values(await series('mcp_router_calls_total', events))).toEqual([1])
  })

  it('are not counted anew by a second look', async () => {
    const metrics = createMetrics('i')
    metrics.count(aCall({ outcome: 'INTERNAL' }))
    expect(await metrics.render(new Map())).toMatch(/mcp_router_calls_total\{.*\} 1\n/)
    expect(await metrics.render(new Map())).toMatch(/mcp_router_errors_total\{.*\} 1\n/)
  })
})

describe('what is open now', () => {
  const backend = 'weather' as BackendName
  const stream = { kind: 'stream', session: 's' as SessionId, backend } as const
  const upstream = { kind: 'upstream', backend, endpoint: 'e' as EndpointId, reason: '' } as const

  it('goes up and down', async () => {
    const streams: RouterEvent[] = (['opened', 'opened', 'closed'] as const).map((action) => ({
      ...stream,
      action,
    }))
    expect(await series('mcp_router_streams', streams)).toEqual({ 'backend="weather"': 1 })
    const upstreams: RouterEvent[] = (
      ['opened', 'opened', 'opened', 'lost', 'closed', 'refused'] as const
    ).map((action) => ({ ...upstream, action }))
    expect(await series('mcp_router_upstreams', upstreams)).toEqual({ 'backend="weather"': 1 })
  })

  it('is, of sessions, what is held at the moment', async () => {
    const metrics = createMetrics('i')
    expect(await metrics.render(new Map([['weather', 3]]))).toMatch(/mcp_router_sessions\{.*\} 3\n/)
    expect(await metrics.render(new Map())).not.toMatch(/mcp_router_sessions\{/)
  })
})

it('is text that Prometheus reads, the process’s own figures included', async () => {
  const metrics = createMetrics('i')
  metrics.count(aCall())
  const text = await metrics.render(new Map([['weather', 1]]))
  expect(metrics.contentType).toContain('text/plain')
  for (const line of text.split('\n').filter(Boolean)) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)*\})? ([\d.e+-]+|nan))$/i)
  }
  expect(text).toContain('process_cpu_seconds_total')
  for (const name of [
    'calls_total',
    'errors_total',
    'call_duration_seconds',
    'sessions',
    'streams',
    'upstreams',
  ]) {
    expect(text).toContain(`# TYPE mcp_router_${name} `)
  }
})
