import type { CallEvent } from '@mcp-router/core'

/** aCall is the event of a call that went well; `change` makes it another. */
export const aCall = (change: Partial<CallEvent> = {}): CallEvent => ({
  kind: 'call',
  downstream: 'http',
  requestId: 'r-1',
  principal: 'ada',
  backend: 'weather',
  endpoint: 'http://127.0.0.1:8071/mcp',
  session: 's-1',
  method: 'tools/call',
  status: 200,
  outcome: 'ok',
  durationMs: 12.345,
  at: Date.parse('2025-01-02T03:04:05.007Z'),
  ...change,
})
