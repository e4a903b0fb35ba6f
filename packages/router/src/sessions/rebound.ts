import { isPortable } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { SessionEntry } from './entry.js'
import type { LiveSession } from '../path/owned/live.js'
import { reopenPortable, replacedCause } from '../path/portable/reopen.js'
import { takeOver } from './takeover.js'
import { reviveOwned } from '../path/owned/revive.js'

/** How often an owned Session with calls under way is looked at, ms. */
const pauseMs = 250

/** rebound has a Session follow its Endpoint, of which the operator changed the headers, or which was replaced. */
export const rebound = (context: Context, held: SessionEntry): void => {
  const { live, endpoint, isReplaced, record } = held
  if (isReplaced) context.listening.end(record.id)
  if (!live) return
  if (isReplaced) leaveWhenIdle(context, held, live)
  else live.use(endpoint)
}

/** leaveWhenIdle gives up the Upstream at the Endpoint that is gone, between calls: the next message, or whoever listens, brings the new one. */
const leaveWhenIdle = (context: Context, held: SessionEntry, live: LiveSession): void => {
  if (held.live !== live || live.isOver() || !held.isReplaced) return
  if (live.revival.underway || live.isBusy()) {
    setTimeout(() => leaveWhenIdle(context, held, live), pauseMs).unref()
    return
  }
  live.revival.cause = replacedCause
  const left = live.leave()
  if (left) discard(left.close())
  if (held.streams > 0 || !held.record.initialize) discard(reviveOwned(context, held))
}

/**
 * atHome resolves once a Session is at an Endpoint that is configured: one whose Endpoint was replaced is opened anew at the one that took its
 * place. It rejects where that cannot be reached, never because the other one is gone.
 */
export const atHome = async (context: Context, held: SessionEntry): Promise<SessionEntry> => {
  const { record } = held
  if (!held.isReplaced || !isPortable(record)) return held
  if (held.endpoint.transport !== 'http') return asOwned(context, held)
  // What another Instance opens meanwhile may be at an Endpoint that is not configured here: then once more.
  for (let tries = 0; tries < 2 && isAway(held); tries++)
    await reopenPortable(context, held, { at: undefined, by: held.record })
  return held
}

const isAway = ({ isReplaced }: SessionEntry): boolean => isReplaced

/** asOwned goes on where no http Endpoint is left: at another one, a Session has an Owner. */
const asOwned = async (context: Context, held: SessionEntry): Promise<SessionEntry> => {
  const taken = await takeOver(context, held, replacedCause)
  if (taken) return taken
  const { id, principal, backend } = held.record
  return context.sessions.find(id, { name: principal }, backend)
}
