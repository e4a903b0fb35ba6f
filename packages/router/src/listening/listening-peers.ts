import { asSessionId } from '@mcp-router/core'
import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { homeOf } from '../cluster/home.js'
import type { Peers } from '../cluster/peers.js'
import { readMissed } from '../streams/backlog.js'
import type { Missed } from '../streams/backlog.js'
import { holders } from './own-streams.js'
import type { Holder } from './own-streams.js'

/**
 * Where one Instance asks another for the server's own stream of a portable Session: GET who has it there, POST for leave to open it in the client's
 * place, DELETE to have it closed, and for what the client missed, PATCH to have the client's stream there do so.
 */
export const listeningPrefix = '/internal/listening/'

/** Peer is what another Instance says of a Session. */
export interface Peer {
  readonly from: Instance
  readonly holder: Holder | undefined
  /** It keeps something for the client, and no stream. */
  readonly isKeeping: boolean
  /** It sent a call a moment ago, which may be about to have the client asked. */
  readonly isAsking: boolean
}

/** An Instance that has not opened the stream within this has given up, ms. */
const claimMs = 1_500
/** One that drains may have much to hand on, ms. */
const collectMs = 5_000
const granted = 'granted'

/** ListeningPeers are the other Instances, as one asks them about the streams of portable Sessions. */
export class ListeningPeers {
  private readonly peers: Pick<Peers, 'ask'>
  private readonly instance: InstanceId
  /** Who may open the stream of a Session that this Instance is home to, so that no two do. */
  private readonly claims = new Map<SessionId, string>()

  constructor(peers: Pick<Peers, 'ask'>, instance: InstanceId) {
    this.peers = peers
    this.instance = instance
  }

  async ask({ id, backendSessionId }: Session): Promise<readonly Peer[]> {
    const answers = await this.peers.ask('GET', targetOf(id, { at: backendSessionId }))
    return answers.map(({ from, body }) => {
      const words = String(body).split(' ')
      const holder = holders.find((each) => words.includes(each))
      return { from, holder, isAsking: words.includes(asking), isKeeping: words.includes(keeping) }
    })
  }

  /** claim asks for leave to open the stream: of the home of the Session among those that answered. */
  async claim(id: SessionId, all: readonly Peer[]): Promise<boolean> {
    const others = all.map(({ from }) => from)
    const home = homeOf(id, [{ id: this.instance }, ...others])
    const to = others.find((each) => each.id === home?.id)
    if (!to) return this.grant(id, this.instance)
    const [answer] = await this.peers.ask(
      'POST',
      targetOf(id, { by: this.instance }),
      undefined,
      to,
    )
    return answer === undefined || String(answer.body) === granted
  }

  private grant(id: SessionId, by: string): boolean {
    const claimant = this.claims.get(id)
    if (claimant !== undefined) return claimant === by
    this.claims.set(id, by)
    setTimeout(() => this.claims.delete(id), claimMs).unref()
    return true
  }

  /** answerClaim answers another Instance. */
  answerClaim(id: SessionId, by: string): string {
    return this.grant(id, by) ? granted : 'taken'
  }

  /** collect has the streams of a Session closed that have no client, at all Instances or `from` one of them. */
  async collect(id: SessionId, from?: Instance): Promise<readonly Missed[]> {
    const answers = await this.peers.ask('DELETE', targetOf(id), collectMs, from)
    return answers.map(({ body }) => readMissed(body))
  }

  /** offer has the client's stream at an Instance collect what others keep. */
  async offer(id: SessionId, to: Instance): Promise<void> {
    await this.peers.ask('PATCH', targetOf(id), undefined, to)
  }
}

const asking = 'asking'
const keeping = 'keeping'
/** holderText is what GET is answered. */
export const holderText = (
  holder: Holder | undefined,
  isAsking: boolean,
  isKeeping: boolean,
): string =>
  [holder ?? '', ...(isAsking ? [asking] : []), ...(isKeeping ? [keeping] : [])].join(' ')

const targetOf = (id: SessionId, params: Record<string, string> = {}): string => {
  const query = new URLSearchParams(params).toString()
  return listeningPrefix + encodeURIComponent(id) + (query && `?${query}`)
}

export interface Target {
  readonly id: SessionId | undefined
  /** The session at its server in which its stream counts. */
  readonly at: string | undefined
  /** Who asks for leave to open it. */
  readonly by: string | undefined
}

/** readTarget reads which Session is asked about. */
export const readTarget = (url: string): Target => {
  const [id = '', query] = url.slice(listeningPrefix.length).split('?')
  const { at, by } = Object.fromEntries(new URLSearchParams(query))
  return { id: asSessionId(decodeURIComponent(id)), at, by }
}
