/** ChildLog logs what a child writes beside its messages, as far as a log can bear it. */
export interface ChildLog {
  /** `text` is read only when the line is logged. */
  add(text: () => string): void
  /** Logs how many lines were left out, if any. */
  close(): void
}

/** Of one child. More would fill the log, and the memory of an instance that waits for its log. */
const linesPerSecond = 50

export const createChildLog = (
  log: (line: string) => void,
  now: () => number = Date.now,
): ChildLog => {
  let second = 0
  let lines = 0
  let omitted = 0
  const close = (): void => {
    if (omitted > 0) log(`(${omitted} more lines are not logged)`)
    omitted = 0
  }
  return {
    add(text) {
      const current = Math.floor(now() / 1_000)
      if (current !== second) {
        second = current
        lines = 0
        close()
      }
      if (++lines <= linesPerSecond) log(text())
      else omitted++
    },
    close,
  }
}

/**
 * JunkGuard counts lines that are no MCP. It throws RangeError for a child that writes so many of them that others would have to wait; on a busy
 * machine, too, where they are read slowly.
 */
export type JunkGuard = () => void

const junkLimit = 20_000
const junkWindowMs = 10_000

export const createJunkGuard = (now: () => number = Date.now): JunkGuard => {
  let sinceMs = 0
  let lines = 0
  return () => {
    const current = now()
    if (current - sinceMs > junkWindowMs) {
      sinceMs = current
      lines = 0
    }
    if (++lines > junkLimit)
      throw new RangeError(
        `more than ${junkLimit} lines in ${junkWindowMs / 1_000} s that are no JSON-RPC`,
      )
  }
}
