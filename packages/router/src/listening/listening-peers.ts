import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance, SessionId } from '@mcp-router/core'
import { asSessionId } from '@mcp-router/core'
import type { PeerAnswer, Peers } from '../cluster/peers.js'
import { Claims } from './claims.js'
import { joinMissed, readMissed } from '../streams/missed.js'
import type { Missed } from '../streams/missed.js'

/**
 * Where one Instance asks another for the server's own stream of a portable Session: GET whether it has it, POST to have calls wait because the client
 * is back, or (`?by`) to open it, PATCH to have the client's stream collect it, PUT for what it has collected, DELETE to have it released.
 */
export const listeningPrefix = '/internal/listening/'

/** Holder is who holds the Endpoint's stream at an Instance: the client, or soon (`coming`), or the Instance in the place of that, which may drain. */
export type Holder = 'client' | 'coming' | 'instance' | 'draining'

/** Held is what an Instance answers another one that is about to collect the Endpoint's stream of a Session. */
export interface Held {
  /** It sent a call a moment ago, which may be about to have the client asked. */
  readonly isAsking: boolean
  /** The stream is here. */
  readonly isHolder: boolean
}

/** readHeld is undefined where the Instance is of an earlier version, which does not know the question. */
export const readHeld = (body: Buffer): Held | undefined => {
  const text = body.toString('utf8')
  return text.startsWith('{') ? (JSON.parse(text) as Held) : undefined // an Instance's
}

/** A call has the client asked within this, if it does so at once, ms. */
export const askMs = 1_000
const askPollMs = 20

/** When it is looked whether the client has its own stream after all, ms: an Instance under load may not have answered in time. */
const offerPausesMs = [0, 500, 1_000, 2_000]

/** ListeningPeers are the other Instances, as one asks them about the streams of portable Sessions. */
export class ListeningPeers {
  private readonly peers: Pick<Peers, 'ask' | 'home'>
  /** Names this Instance among those that open a stream, and no other process that had its id. */
  private readonly name = randomUUID()
  private readonly claims = new Claims()
  private readonly atOf: (id: SessionId) => string | undefined

  /** `atOf` names the session at its server in which a Session goes on. */
  constructor(peers: Pick<Peers, 'ask' | 'home'>, atOf: (id: SessionId) => string | undefined) {
    this.peers = peers
    this.atOf = atOf
  }

  async holders(id: SessionId): Promise<readonly { from: Instance; holder: Holder }[]> {
    const at = this.atOf(id)
    const target = at === undefined ? targetOf(id) : targetOf(id) + atParam + encodeURIComponent(at)
    const answers = await this.peers.ask('GET', target)
    return answers.map(({ from, body }) => ({ from, holder: String(body) as Holder })) // an Instance's
  }

  /** holder is the client where it is one of them, else who is nearest to that. */
  async holder(id: SessionId): Promise<Holder | undefined> {
    const holders = (await this.holders(id)).map(({ holder }) => holder)
    const nearest = (['client', 'coming'] as const).find((each) => holders.includes(each))
    return nearest ?? holders[0]
  }

  /** claim tells that no other Instance is about to open the stream: the home of the Session says so, the next one where that does not answer. */
  async claim(id: SessionId): Promise<boolean> {
    const silent: Instance[] = []
    for (;;) {
      const home = await this.peers.home(id, silent)
      if (!home) return this.claims.grant(id, this.name)
      const target = targetOf(id) + byParam + this.name
      const [answer] = await this.peers.ask('POST', target, undefined, home)
      if (answer) return String(answer.body) === granted
      silent.push(home)
    }
  }

  /** offer has the client's own stream collect what this Instance holds, if another one has it and as long as this one `holds`. */
  async offer(id: SessionId, holds: () => boolean): Promise<void> {
    for (const pauseMs of offerPausesMs) {
      await wait(pauseMs, undefined, { ref: false })
      if (!holds()) return
      const all = await this.holders(id)
      const client = all.find(({ holder }) => holder === 'client' || holder === 'coming')
      if (client) await this.peers.ask('PATCH', targetOf(id), undefined, client.from)
    }
  }

  /** grant answers another Instance. */
  grant(id: SessionId, by: string): string {
    return this.claims.grant(id, by) ? granted : 'taken'
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

const atParam = '?at='
const byParam = '?by='
const granted = 'granted'

interface Target {
  readonly id: SessionId | undefined
  /** The session at its server in which its stream counts. */
  readonly at: string | undefined
  /** Who claims the stream. */
  readonly by: string | undefined
}

/** readTarget reads which Session is asked about, and what. */
export const readTarget = (url: string): Target => {
  const [first = '', by] = url.slice(listeningPrefix.length).split(byParam)
  const [id = '', at] = first.split(atParam).map(decodeURIComponent)
  return { id: asSessionId(id), at, by }
}
