import { createHmac, randomBytes } from 'node:crypto'
import type { InstanceId, SessionId } from '@mcp-router/core'
import type { Buffers } from '../../streams/kept.js'
import type { Replay } from '../../streams/replay.js'
import { Replays } from '../../streams/replays.js'
import type { Place } from '../../streams/replays.js'

/** PortableReplays are the streams of calls of portable Sessions that this Instance numbers, because the Endpoint does not. */
export interface PortableReplays {
  /** Begins the stream of the call with this id (JSON text). `onLapsed` comes when no client came for it any more. */
  open(session: SessionId, requestId: string, onLapsed: () => void): Replay
  find(session: SessionId, lastEventId: string): Place | undefined
  /** Which Instance numbered a stream, as its name tells (ForeignEvent.instance). Undefined: it was none of this Session's. */
  instanceOf(session: SessionId, name: string): InstanceId | undefined
  /** Throws OVERLOADED where the Session has as many calls under way as it may. */
  requireRoom(session: SessionId): void
}

const sweepEvery = 256

/** `secret`: of the cluster, so that every Instance knows whose streams the others numbered. */
export const createPortableReplays = (
  instance: InstanceId,
  secret: string,
  buffers: Buffers,
): PortableReplays => {
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
      const marked = (): string => `${name}.${markOfSession(secret, session)}`
      const replays = all.get(session) ?? new Replays(buffers, 1, marked())
      all.set(session, replays)
      return replays.open(requestId, onLapsed)
    },
    find: (session, lastEventId) => all.get(session)?.find(lastEventId),
    instanceOf(session, named) {
      const [encoded = '', , mark] = named.split('.')
      if (mark !== markOfSession(secret, session)) return undefined
      return Buffer.from(encoded, 'base64url').toString('utf8') as InstanceId // checked by who looks it up
    },
    requireRoom: (session) => all.get(session)?.requireRoom(),
  }
}

/**
 * markOfSession says whose streams they are. A client may send the id of an event of another Session: without a mark it would be told that the
 * outcome of a call is not known which it never made. A mark is short, for it only has to tell Sessions apart.
 */
export const markOfSession = (secret: string, session: SessionId): string => {
  const text = JSON.stringify(['events of a session', session])
  return createHmac('sha256', secret).update(text).digest('base64url').slice(0, markLength)
}

const markLength = 12
