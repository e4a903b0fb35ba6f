import type { RouterEvent } from '@mcp-router/core'

/** Reasons are those that were logged since an Endpoint could not be opened, by Endpoint. */
type Reasons = Map<string, Set<string>>

/** Beyond so many, what was logged is forgotten, and logged again. */
const mostReasons = 10
const mostLines = 50

/**
 * createRefusals tells whether an event belongs in the log: each call that waits for an Endpoint tries it again and again, and a command writes the
 * same to its stderr each time. Both are logged once, until the Endpoint was open or fails for another reason.
 */
export const createRefusals = (): ((event: RouterEvent) => boolean) => {
  const failing = new Map<string, Reasons>()
  const lines = new Map<string, Set<string>>()

  const isNewReason = (backend: string, endpoint: string, reason: string): boolean => {
    const reasons: Reasons = failing.get(backend) ?? new Map<string, Set<string>>()
    failing.set(backend, reasons)
    const known = reasons.get(endpoint) ?? new Set()
    reasons.set(endpoint, known)
    return addTo(known, reason, mostReasons)
  }

  const noteOpened = (backend: string, endpoint: string): void => {
    lines.delete(backend)
    const reasons = failing.get(backend)
    reasons?.delete(endpoint)
    if (reasons?.size === 0) failing.delete(backend)
  }

  const isNewLine = (backend: string, line: string): boolean => {
    const known = lines.get(backend) ?? new Set()
    lines.set(backend, known)
    return addTo(known, line, mostLines) || !failing.has(backend)
  }

  return (event) => {
    if (event.kind === 'stderr') return isNewLine(event.backend, event.line)
    if (event.kind !== 'upstream') return true
    const { action, backend, endpoint, reason } = event
    if (action === 'refused') return isNewReason(backend, endpoint, reason)
    if (action === 'opened') noteOpened(backend, endpoint)
    return true
  }
}

/** addTo is false where the set has it already. */
const addTo = (set: Set<string>, text: string, most: number): boolean => {
  if (set.has(text)) return false
  if (set.size >= most) set.clear()
  set.add(text)
  return true
}
