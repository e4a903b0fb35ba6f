/**
 * Outage measures how long a store is away, as this process lives it: the time in which the process itself was paused says
 * nothing of the store.
 */
export interface Outage {
  /** ms; asked at a failure, the first of which begins it. */
  lastedMs(): number
  isOn(): boolean
  end(): void
}

const tickMs = 250
/** A tick that comes so late says that this process was paused, ms. */
const pausedMs = 2_000
/** No failure for so long means that the store may have been back meanwhile: the next one begins another outage, ms. */
const quietMs = 5_000

export const createOutage = (): Outage => {
  let since = 0
  let tickedAt = 0
  let failedAt = 0
  let timer: NodeJS.Timeout | undefined
  const tick = (): void => {
    const now = performance.now()
    if (now - tickedAt > pausedMs) since = now
    tickedAt = now
  }
  return {
    lastedMs() {
      if (!timer) {
        since = tickedAt = performance.now()
        timer = setInterval(tick, tickMs)
        timer.unref()
      }
      tick()
      if (tickedAt - failedAt > quietMs) since = tickedAt
      failedAt = tickedAt
      return tickedAt - since
    },
    isOn: () => timer !== undefined,
    end() {
      clearInterval(timer)
      timer = undefined
    },
  }
}
