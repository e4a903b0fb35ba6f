import type { Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { endpointKey } from '@mcp-router/upstream'

const firstPauseMs = 250
const longestPauseMs = 2_000

/**
 * Gate is the back-off of one Endpoint that is reached by URL, for all Sessions there: while it is down, one of them tries to connect and the
 * others wait for what comes of it. Once it is up, all connect at once, however often it has failed before.
 */
export class Gate {
  private failures = 0
  /** As `performance.now()` counts. */
  private failedAt = -Infinity
  private probing: Promise<void> | undefined
  private endProbe: () => void = () => undefined

  /** enter resolves when the caller may connect, with what it must call when it is done. It rejects where another one has just failed to. */
  async enter(backend: string): Promise<() => void> {
    if (this.failures === 0) return nothing
    if (this.probing) {
      await this.probing
      if (this.failures === 0) return nothing
      const reason = 'it could not be reached again'
      throw new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason })
    }
    this.probing = new Promise((resolve) => {
      this.endProbe = resolve
    })
    const pauseMs = Math.min(firstPauseMs * 2 ** (this.failures - 1), longestPauseMs)
    const restMs = this.failedAt + pauseMs - performance.now()
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
    return () => this.settle()
  }

  up(): void {
    this.failures = 0
    this.settle()
  }

  /** `startedAt`: those that failed together count once. */
  down(startedAt: number): void {
    if (startedAt > this.failedAt) this.failures++
    this.failedAt = performance.now()
    this.settle()
  }

  private settle(): void {
    this.endProbe()
    this.probing = undefined
  }
}

const nothing = (): void => undefined

/** Gates are those of all Endpoints, at one Instance. */
export class Gates {
  private readonly all = new Map<string, Gate>()

  /** of finds the Gate of an Endpoint; commands have none: each Session has a process of its own, which says nothing of the others. */
  of(endpoint: Endpoint): Gate | undefined {
    if (endpoint.transport === 'stdio') return undefined
    const key = endpointKey(endpoint)
    const gate = this.all.get(key) ?? new Gate()
    this.all.set(key, gate)
    return gate
  }
}
