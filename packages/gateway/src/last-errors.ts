import { isServerFault } from '@mcp-router/core'
import type { EndpointId, EventSink } from '@mcp-router/core'

/** LastError is what an Endpoint failed with last, and when (ISO 8601); empty where it never did. */
export interface LastError {
  readonly lastError?: string
  readonly lastErrorAt?: string
}

/** LastErrors passes every event on, and remembers of each Endpoint what it failed with last. */
export interface LastErrors extends EventSink {
  of(endpoint: EndpointId): LastError
}

export const notingErrors = (sink: EventSink, now: () => number = Date.now): LastErrors => {
  const errors = new Map<string, LastError>()
  const note = (endpoint: string, reason: string): void =>
    void errors.set(endpoint, {
      lastError: reason,
      lastErrorAt: new Date(now()).toISOString(),
    })
  return {
    of: (endpoint) => errors.get(endpoint) ?? {},
    emit(event) {
      sink.emit(event)
      if (event.kind === 'upstream') {
        if (event.action === 'refused' || event.action === 'lost')
          note(event.endpoint, event.reason)
      } else if (event.kind === 'call') {
        const { endpoint, outcome, reason } = event
        if (endpoint && reason !== undefined && isServerFault(outcome)) note(endpoint, reason)
      }
    },
  }
}
