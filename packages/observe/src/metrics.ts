import type { RouterEvent } from '@mcp-router/core'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { createCallCells } from './call-cells.js'

/** Metrics are counted from RouterEvents and rendered in the Prometheus text format. */
export interface Metrics {
  count(event: RouterEvent): void
  readonly contentType: string
  /** `sessions` are those held in memory now, by Backend. */
  render(sessions: ReadonlyMap<string, number>): Promise<string>
}

export const createMetrics = (instance: string): Metrics => {
  const registry = new Registry()
  registry.setDefaultLabels({ instance })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const cells = createCallCells(registry)
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['backend'], registers })
  const sessions = gauge('mcp_router_sessions', 'Sessions held in memory')
  const streams = gauge('mcp_router_streams', 'SSE streams open to clients')
  const upstreams = gauge('mcp_router_upstreams', 'Live connections to endpoints: children, SSE')
  const store = new Gauge({
    name: 'mcp_router_store_up',
    help: '1 while the session store can be reached, 0 while it cannot',
    registers,
  })
  store.set(1)
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
          cells.count(event)
          break
        case 'stream':
          streams.inc({ backend: event.backend }, event.action === 'opened' ? 1 : -1)
          break
        case 'upstream':
          upstreams.inc({ backend: event.backend }, step[event.action])
          break
        case 'store':
          store.set(event.up ? 1 : 0)
          break
        case 'session':
        case 'stderr':
        case 'fault':
          break
      }
    },
  }
}

const step = { opened: 1, closed: -1, lost: -1, refused: 0, skipped: 0 } as const
