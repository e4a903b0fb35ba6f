import type { Endpoint } from '@mcp-router/core'
import {
  messageFrame,
  notificationBytes,
  requestBytes,
  resultOf,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { ListChange } from '@mcp-router/upstream'
import { askPooled, Refused } from '../bridge/ask-pooled.js'
import type { Context } from '../context.js'
import type { Relay } from '../outlet/relay.js'
import { askRunning } from '../calls/retry-safe.js'
import { askLists } from './ask-lists.js'
import type { AskLists, Look } from './offers.js'
import type { HeldSession } from '../sessions/held.js'
import type { LiveSession } from '../path/owned/live.js'

/** A client whose Session went on at another server, or at the same one started anew, is told which lists are not what they were. */

/**
 * lookOwned looks at what the server of an owned Session lists, through its own Upstream. `since` (ms since the epoch): it is on this Upstream
 * from then on; undefined: this is its first, and of each process of a command is asked what it lists: another may be of another release.
 */
export const lookOwned = (
  context: Context,
  held: HeldSession,
  live: LiveSession,
  since?: number,
): void => {
  const when = since === undefined ? { since: Date.now(), isFirst: true } : { since }
  look(context, held, when, askLists(live.opening, askLive(live)), (change) =>
    live.replays.standalone.say(notificationBytes(change)),
  )
}

/** lookPortable is that of a portable Session, when its client has opened its stream: this is where it is told. */
export const lookPortable = (context: Context, held: HeldSession, stream: Relay): void => {
  const { endpoint, record } = held
  const movedAt = context.sessions.movedAt(record.id)
  const when =
    movedAt === undefined ? { since: record.lastActive, isFirst: true } : { since: movedAt }
  look(context, held, when, askShared(context, held, endpoint), (change) =>
    stream.tell(messageFrame(notificationBytes(change))),
  )
}

/**
 * learnPortable finds out in time what the server of a portable Session lists: its client's next stream may be opened here when that has changed.
 * It costs nothing but where its client cares for lists, or calls have opened the session that callers share.
 */
export const learnPortable = (context: Context, held: HeldSession, { method }: Message): void => {
  const { endpoint, record } = held
  if (!method.endsWith('/list') && !context.deps.pool.find(endpoint)) return
  held.looked = true
  const backend = backendOf(context, record.backend)
  if (!backend || context.sessions.movedAt(record.id) !== undefined) return
  const ask = askShared(context, held, endpoint)
  // What was listed before it was opened may not be what its client knows.
  const since = record.lastActive
  discard(context.offers.learn({ session: record.id, backend, endpoint, since, ask }))
}

/**
 * reinitialized has the tools of a Backend listed anew after a server of it began anew: what it says of them may have changed, and a call that may not
 * run twice must not be taken for one that may.
 */
export const reinitialized = (context: Context, name: string, endpoint: Endpoint): void => {
  const backend = backendOf(context, name)
  const { catalog } = context.deps
  if (!backend || !catalog.known(backend)) return
  catalog.forget(backend.name)
  const list = (cursor: string | undefined) =>
    askRunning(context, { backend, endpoint }, cursor === undefined ? {} : { cursor })
  discard(catalog.tools(backend, list))
}

const look = (
  context: Context,
  held: HeldSession,
  when: Pick<Look, 'since' | 'isFirst'>,
  ask: AskLists,
  tell: (change: ListChange) => void,
): void => {
  const { endpoint, record } = held
  const backend = backendOf(context, record.backend)
  if (!backend) return
  const looking = context.offers.look({ session: record.id, backend, endpoint, ask, ...when })
  discard(looking.then((changes) => changes.forEach(tell)))
}

const backendOf = ({ deps }: Context, name: string) =>
  [...deps.registry.snapshot().backends.values()].find((each) => each.name === name)

let own = 0

const askLive =
  (live: LiveSession): Parameters<typeof askLists>[1] =>
  async (method, params) =>
    resultOf(await live.ask(scanMessage(requestBytes(`mcp-router-list-${++own}`, method, params))))

/** The session that callers share is at the same server, and no business of the client. */
const askShared =
  (context: Context, held: HeldSession, endpoint: Endpoint): AskLists =>
  async (known) => {
    const backend = backendOf(context, held.record.backend)
    if (!backend) throw new Error(`no backend ${held.record.backend}`)
    const { pool } = context.deps
    const place = { backend, endpoint }
    // It may have been the server before this one that its handshake was with.
    await askPooled(pool, place, 'ping', {}).catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error
    })
    const { handshake } = pool.find(endpoint) ?? (await pool.open(backend, endpoint))
    const ask: Parameters<typeof askLists>[1] = async (method, params) => {
      try {
        return await askPooled(pool, place, method, params)
      } catch (error) {
        if (error instanceof Refused) return undefined
        throw error
      }
    }
    return askLists(handshake.result, ask)(known)
  }
