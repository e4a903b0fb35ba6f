import type { CallEvent } from '@mcp-router/core'
import { Counter } from 'prom-client'
import type { Metric, Registry } from 'prom-client'

/** CallCells count calls in plain numbers, which cost nothing per call; they become metrics when somebody scrapes. */
export interface CallCells {
  count(event: CallEvent): void
}

/** Upper bounds of the duration buckets, ms. */
const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000]

/** Method names come from clients: what is not MCP's is counted as one. */
const methods: ReadonlySet<string> = new Set([
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

interface CallCell {
  readonly backend: string
  readonly downstream: string
  readonly method: string
  readonly outcome: string
  calls: number
}

interface DurationCell {
  readonly backend: string
  readonly downstream: string
  /** One count per bound, and the calls above all of them. */
  readonly counts: number[]
  sumMs: number
}

export const createCallCells = (registry: Registry): CallCells => {
  const callCells = new Map<string, CallCell>()
  const durationCells = new Map<string, DurationCell>()
  const registers = [registry]

  new Counter({
    name: 'mcp_router_calls_total',
    help: 'Messages of clients answered, by outcome: ok or the code of the error',
    labelNames: ['backend', 'downstream', 'method', 'outcome'],
    registers,
    collect(this: Counter) {
      this.reset()
      for (const { calls: count, ...labels } of callCells.values()) this.inc(labels, count)
    },
  })
  new Counter({
    name: 'mcp_router_errors_total',
    help: 'Messages of clients that ended in an error',
    labelNames: ['backend', 'outcome'],
    registers,
    collect(this: Counter) {
      this.reset()
      for (const { backend, outcome, calls: count } of callCells.values()) {
        if (outcome !== 'ok') this.inc({ backend, outcome }, count)
      }
    },
  })
  // prom-client's own Histogram can only be observed into; a registry asks of a metric no more than `get`.
  registry.registerMetric(durationMetric(durationCells) as unknown as Metric)

  const durationCell = (event: CallEvent): DurationCell => {
    const key = `${event.backend} ${event.downstream}`
    const known = durationCells.get(key)
    if (known) return known
    const { backend, downstream } = event
    const counts = new Array<number>(boundsMs.length + 1).fill(0)
    const made = { backend, downstream, counts, sumMs: 0 }
    durationCells.set(key, made)
    return made
  }

  return {
    count(event) {
      const { backend, downstream, outcome, durationMs } = event
      const method = methods.has(event.method) ? event.method : 'other'
      const key = `${backend} ${downstream} ${method} ${outcome}`
      const known = callCells.get(key)
      if (known) known.calls++
      else callCells.set(key, { backend, downstream, method, outcome, calls: 1 })
      // A GET is a stream: how long it was open says nothing of speed.
      if (method === 'GET') return
      const cell = durationCell(event)
      cell.sumMs += durationMs
      let at = 0
      while (at < boundsMs.length && durationMs > (boundsMs[at] ?? 0)) at++
      cell.counts[at] = (cell.counts[at] ?? 0) + 1
    },
  }
}

const durationMetric = (cells: ReadonlyMap<string, DurationCell>) => {
  const name = 'mcp_router_call_duration_seconds'
  return {
    name,
    get: () => ({
      name,
      help: 'Time from the request to the end of its answer; GET streams are not counted',
      type: 'histogram',
      aggregator: 'sum',
      values: [...cells.values()].flatMap((cell) => valuesOf(name, cell)),
    }),
    reset: () => undefined,
  }
}

const valuesOf = (name: string, { backend, downstream, counts, sumMs }: DurationCell) => {
  const labels = { backend, downstream }
  let below = 0
  const buckets = counts.map((count, at) => {
    below += count
    const bound = boundsMs[at]
    const le = bound === undefined ? '+Inf' : bound / 1_000
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: below },
  ]
}
