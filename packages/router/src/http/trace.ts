import type { EdgeRequest } from './edge.js'

/** Trace context passes to the Endpoint (W3C Trace Context, Baggage). */
const names = ['traceparent', 'tracestate', 'baggage'] as const

const none: readonly string[] = []

/** traceOf is the trace context of a request as a flat header list, most often empty. */
export const traceOf = (req: EdgeRequest): readonly string[] => {
  let found = none
  for (const name of names) {
    const value = req.headers[name]
    if (typeof value === 'string') found = [...found, name, value]
  }
  return found
}
