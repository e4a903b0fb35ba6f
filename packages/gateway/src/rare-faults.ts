import { reasonOf } from '@mcp-router/core'

const everyMs = 60_000
const mostReasons = 20

/** rareFaults passes a fault on once a minute for each reason: a client that reconnects fails several times a second. */
export const rareFaults = (report: (error: unknown) => void): ((error: unknown) => void) => {
  const reportedAt = new Map<string, number>()
  return (error) => {
    const reason = reasonOf(error)
    const now = Date.now()
    if (now - (reportedAt.get(reason) ?? 0) < everyMs) return
    if (reportedAt.size >= mostReasons) reportedAt.clear()
    reportedAt.set(reason, now)
    report(error)
  }
}
