import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, SessionId } from '@mcp-router/core'
import type { PeerAnswer, Peers } from '../handoff/peers.js'
import { joinMissed, readMissed } from './missed.js'
import type { Missed } from './missed.js'
import { readHeld } from './moves.js'
import type { Held } from './moves.js'

/**
 * Where one Instance asks another for the server's own stream of a portable Session: GET whether it has it, POST to have calls wait because the client
 * is back, PUT for what it has collected, DELETE to have it released.
 */
export const listeningPrefix = '/internal/listening/'

/** Holder is who holds the Endpoint's stream at an Instance: the client, or soon (`coming`), or the Instance in the place of that, which may drain. */
export type Holder = 'client' | 'coming' | 'instance' | 'draining'

/** A call has the client asked within this, if it does so at once, ms. */
export const askMs = 1_000
const askPollMs = 20

/** ListeningPeers are the other Instances, as one asks them about the streams of portable Sessions. */
export class ListeningPeers {
  private readonly peers: Pick<Peers, 'ask'>

  constructor(peers: Pick<Peers, 'ask'>) {
    this.peers = peers
  }

  async holders(id: SessionId): Promise<readonly { from: Instance; holder: Holder }[]> {
    const answers = await this.peers.ask('GET', targetOf(id))
    return answers.map(({ from, body }) => ({ from, holder: String(body) as Holder })) // an Instance's
  }

  /** release is what they have collected, but for what `take` is given later; undefined: nobody had the stream. */
  async release(id: SessionId, take: (missed: Missed) => void): Promise<Missed | undefined> {
    const onLate = ({ body }: PeerAnswer): void => take(readMissed(body))
    const answers = await this.peers.ask('DELETE', targetOf(id), onLate)
    return joinMissed(answers.map(({ body }) => readMissed(body)))
  }

  /**
   * untilAsked has calls wait everywhere, and resolves once those that were sent before have had the client asked, or are not about to: an Endpoint
   * that has no stream at that moment asks nobody. `take` is given what the client is asked.
   */
  async untilAsked(id: SessionId, here: () => Held, take: (missed: Missed) => void): Promise<void> {
    const giveUpAt = performance.now() + askMs
    const onMissed = ({ body }: PeerAnswer): void => take(readMissed(body))
    for (;;) {
      const own = here()
      const answers = await this.peers.ask('POST', targetOf(id))
      const all = [own, ...answers.map(({ body }) => readHeld(body))]
      const isAsking = all.some((each) => each?.isHolder) && all.some((each) => each?.isAsking)
      if (!isAsking || performance.now() > giveUpAt) return
      for (const answer of await this.peers.ask('PUT', targetOf(id), onMissed)) onMissed(answer)
      await wait(askPollMs, undefined, { ref: false })
    }
  }
}

const targetOf = (id: SessionId): string => listeningPrefix + encodeURIComponent(id)
