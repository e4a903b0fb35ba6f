import type { CallEvent, RouterEvent } from '@mcp-router/core'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Metrics are counted from RouterEvents and rendered in the Prometheus text format. */
export interface Metrics {
  count(event: RouterEvent): void
  readonly contentType: string
  /** `sessions` are those held in memory now, by Backend. */
  render(sessions: ReadonlyMap<string, number>): Promise<string>
}

/** Method names come from clients: what is not MCP's is counted as one. */
const methods = new Set([
  'initialize',
  'notifications/initialized',
  'notifications/cancelled',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'response',
  'GET',
  'DELETE',
])

const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]

interface Cell {
  readonly calls: Counter.Internal
  readonly duration: Histogram.Internal<string>
}

export const createMetrics = (instance: string): Metrics => {
  const registry = new Registry()
  registry.setDefaultLabels({ instance })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const calls = new Counter({
    name: 'mcp_router_calls_total',
    help: 'Messages of clients answered, by outcome: ok or the code of the error',
    labelNames: ['backend', 'downstream', 'method', 'outcome'],
    registers,
  })
  const errors = new Counter({
    name: 'mcp_router_errors_total',
    help: 'Messages of clients that ended in an error',
    labelNames: ['backend', 'outcome'],
    registers,
  })
  const duration = new Histogram({
    name: 'mcp_router_call_duration_seconds',
    help: 'Time from the request to the end of its answer; GET streams are not counted',
    labelNames: ['backend', 'downstream'],
    buckets: durationBuckets,
    registers,
  })
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['backend'], registers })
  const sessions = gauge('mcp_router_sessions', 'Sessions held in memory')
  const streams = gauge('mcp_router_streams', 'SSE streams open to clients')
  const upstreams = gauge('mcp_router_upstreams', 'Live connections to endpoints: children, SSE')
  const cells = new Map<string, Cell>()

  const cellOf = (event: CallEvent): Cell => {
    const key = `${event.backend} ${event.downstream} ${event.method} ${event.outcome}`
    const known = cells.get(key)
    if (known) return known
    const { backend, downstream, outcome } = event
    const method = methods.has(event.method) ? event.method : 'other'
    const made = {
      calls: calls.labels({ backend, downstream, method, outcome }),
      duration: duration.labels({ backend, downstream }),
    }
    // The key holds the method as sent: what clients make up must not fill the table.
    if (method !== 'other') cells.set(key, made)
    return made
  }

  const countCall = (event: CallEvent): void => {
    const cell = cellOf(event)
    cell.calls.inc()
    if (event.method !== 'GET') cell.duration.observe(event.durationMs / 1_000)
    if (event.outcome !== 'ok') errors.inc({ backend: event.backend, outcome: event.outcome })
  }

  return {
    contentType: registry.contentType,
    render(held) {
      sessions.reset()
      for (const [backend, count] of held) sessions.set({ backend }, count)
      return registry.metrics()
    },
    count(event) {
      switch (event.kind) {
        case 'call':
          countCall(event)
          break
        case 'stream':
          streams.inc({ backend: event.backend }, event.action === 'opened' ? 1 : -1)
          break
        case 'upstream':
          upstreams.inc({ backend: event.backend }, step[event.action])
          break
        case 'session':
        case 'stderr':
        case 'fault':
          break
      }
    },
  }
}

const step = { opened: 1, closed: -1, lost: -1, refused: 0 } as const
