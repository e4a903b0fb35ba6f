import { setTimeout as wait } from 'node:timers/promises'
import type { Sessions } from '../sessions/sessions.js'

const pollMs = 50

/** hasPending tells that a client waits on its Stream for an answer. */
export const hasPending = (sessions: Sessions): boolean =>
  [...sessions.all()].some(({ live }) => (live?.replies.pending().length ?? 0) > 0)

/** until resolves once it is so, or after `limitMs`. */
export const until = async (isSo: () => boolean, limitMs: number): Promise<void> => {
  const giveUpAt = performance.now() + limitMs
  while (!isSo() && performance.now() < giveUpAt) await wait(pollMs)
}
