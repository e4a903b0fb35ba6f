import { RouterError } from '@mcp-router/core'
import type { Dialer } from './open.js'
import { discard } from './upstream.js'
import type { Upstream } from './upstream.js'

/** ClosingDialer opens nothing any more once it is closed. */
export interface ClosingDialer extends Dialer {
  close(): void
}

/**
 * closingDialer guards a Dialer: whoever waited for a process to end, or was opening one, would get one that nobody ends, and that keeps the
 * Instance from ending. What is opened then rejects with DRAINING.
 */
export const closingDialer = (dialer: Dialer): ClosingDialer => {
  let isClosed = false
  const requireOpen = (): void => {
    if (isClosed) throw new RouterError('DRAINING')
  }
  return {
    async open(...asked): Promise<Upstream> {
      requireOpen()
      const upstream = await dialer.open(...asked)
      if (!isClosed) return upstream
      discard(upstream.close())
      throw new RouterError('DRAINING')
    },
    continue(...asked) {
      requireOpen()
      return dialer.continue(...asked)
    },
    openFace(...asked) {
      requireOpen()
      return dialer.openFace(...asked)
    },
    close() {
      isClosed = true
    },
  }
}
