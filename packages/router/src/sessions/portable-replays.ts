import { randomBytes } from 'node:crypto'
import type { InstanceId, SessionId } from '@mcp-router/core'
import type { Ageing } from './ageing.js'
import type { Replay } from './replay.js'
import { Replays } from './replays.js'
import type { Place } from './replays.js'

/** PortableReplays are the streams of calls of portable Sessions that this Instance numbers, because the Endpoint does not. */
export interface PortableReplays {
  /** Begins the stream of the call with this id (JSON text). `onLapsed` comes when no client came for it any more. */
  open(session: SessionId, requestId: string, onLapsed: () => void): Replay
  find(session: SessionId, lastEventId: string): Place | undefined
  /** Throws OVERLOADED where the Session has as many calls under way as it may. */
  requireRoom(session: SessionId): void
}

const sweepEvery = 256

export const createPortableReplays = (instance: InstanceId, ageing: Ageing): PortableReplays => {
  // An Instance that was started again numbers its streams anew.
  const boot = randomBytes(4).toString('hex')
  const name = `${Buffer.from(instance).toString('base64url')}.${boot}`
  const all = new Map<SessionId, Replays>()
  let opened = 0

  const sweep = (): void => {
    for (const [session, replays] of all) if (replays.isEmpty()) all.delete(session)
  }

  return {
    open(session, requestId, onLapsed) {
      if (++opened % sweepEvery === 0) sweep()
      const replays = all.get(session) ?? new Replays(ageing, 1, name)
      all.set(session, replays)
      return replays.open(requestId, onLapsed)
    },
    find: (session, lastEventId) => all.get(session)?.find(lastEventId),
    requireRoom: (session) => all.get(session)?.requireRoom(),
  }
}

/** instanceOf reads which Instance numbered a stream. */
export const instanceOf = (name: string): InstanceId => {
  const [encoded = ''] = name.split('.')
  return Buffer.from(encoded, 'base64url').toString('utf8') as InstanceId // checked by who looks it up
}
