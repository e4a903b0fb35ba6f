import type { Session } from '@mcp-router/core'
import type { Upstream } from '@mcp-router/upstream'
import type { LiveSession } from '../path/owned/live.js'
import { replayHandshake } from '../path/owned/replay-handshake.js'
import type { Speaker } from '../path/owned/replay-handshake.js'

/** resumeOn goes on over a new Upstream, on which the client's handshake is replayed. It rejects when that is refused. */
export const resumeOn = async (
  live: LiveSession,
  upstream: Upstream,
  record: Session,
): Promise<void> => {
  live.begin(upstream)
  if (record.initialize) await replayHandshake(speakerOn(live, upstream), record)
  await untilListening(live, upstream)
}

/** continueOn goes on over an Upstream that continues the session at the server: nothing is replayed. It rejects when that ends at once. */
export const continueOn = async (live: LiveSession, upstream: Upstream): Promise<void> => {
  live.begin(upstream)
  upstream.listen()
  await untilListening(live, upstream)
}

/** A message without an Upstream waits for the next one, which waits for this handshake: where this one has ended there is nothing to say. */
const speakerOn = (live: LiveSession, upstream: Upstream): Speaker => ({
  async ask(message) {
    requireOn(live, upstream)
    return live.ask(message)
  },
  async notify(message) {
    requireOn(live, upstream)
    return live.notify(message)
  },
})

const requireOn = (live: LiveSession, upstream: Upstream): void => {
  if (!live.isOn(upstream)) throw new Error('it ended at once')
}

/** The server may ask outside of calls in the first one. */
const untilListening = async (live: LiveSession, upstream: Upstream): Promise<void> => {
  await upstream.heard?.()
  requireOn(live, upstream)
  live.connect(upstream)
}
