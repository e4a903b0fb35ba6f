import type { SessionId } from '@mcp-router/core'

/** An Instance that has not opened the stream within this has given up, ms. */
const claimMs = 1_500
/** Of so many Sessions it is known who opens their streams; the oldest goes. */
const maxClaims = 10_000

interface Claim {
  readonly by: string
  /** As `performance.now()` counts. */
  readonly until: number
}

/** Claims are the streams of Sessions that some Instance is opening in the client's place, kept by the home of each: no two open one at a time. */
export class Claims {
  private readonly all = new Map<SessionId, Claim>()

  /** grant is false while somebody else has the claim. */
  grant(id: SessionId, by: string): boolean {
    const now = performance.now()
    const known = this.all.get(id)
    if (known && known.by !== by && known.until > now) return false
    this.all.delete(id)
    this.all.set(id, { by, until: now + claimMs })
    const [oldest] = this.all.keys()
    if (this.all.size > maxClaims && oldest !== undefined) this.all.delete(oldest)
    return true
  }
}
