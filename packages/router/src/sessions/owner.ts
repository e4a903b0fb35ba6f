import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Batch } from '../http/body.js'
import type { RouterDeps } from '../deps.js'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { respondError } from '../http/respond.js'
import { untilServed } from '../path/portable/head-limit.js'
import type { SessionEntry } from './entry.js'
import { ownedBy } from './entry.js'
import { takeOver, takeoverOf } from './takeover.js'
import { reviveOwned } from '../path/owned/revive.js'

/** OwnerTask is a request of an owned Session. */
export interface OwnerTask {
  /** What was read of it, to be passed on; none for GET and DELETE. */
  readonly body: Buffer | undefined
  /** Answers it at the Owner. */
  readonly serve: (held: SessionEntry) => Promise<void> | void
  /** Whether to execute it twice does no harm: it is repeated where the Owner is lost on the way. */
  readonly isRetrySafe: () => Promise<boolean>
  /** It is no request of its own: it belongs to a call that the Owner has under way, maybe its last. */
  readonly isAbout?: boolean
}

/** isAbout tells that a message is an answer, or news, for a call. */
export const isAbout = ({ kind }: Pick<Message, 'kind'> | Batch): boolean =>
  kind === 'response' || kind === 'notification'

/** Requests of a cluster in agreement need one hop; a second where somebody's memory is a moment old; more where Instances are paused one after the other. */
const maxHops = 4

/**
 * atOwner has a request served where its Session is driven: here, at the Instance that owns it, or, when that one is gone, here after a
 * Takeover.
 */
export const atOwner = async (
  context: Context,
  incoming: Incoming,
  remembered: SessionEntry,
  task: OwnerTask,
): Promise<void> => {
  const held = await verified(context, incoming, remembered)
  const isOwn = ownedBy(held.record, context.deps.instance)
  const owner = isOwn ? undefined : await context.handoff.find(held.record.instance)
  if (!owner) return serveHere(context, incoming, held, task)
  if (incoming.hops >= maxHops) throw new RouterError('OWNER_UNREACHABLE')
  const here = (): void => answer(incoming, serveHere(context, incoming, held, task))
  context.handoff[task.isAbout ? 'passBack' : 'passTo'](incoming, owner, task.body, {
    unreachable: here,
    lost(error) {
      const repeat = async (): Promise<void> => {
        if (!(await task.isRetrySafe().catch(() => false))) throw error
        incoming.isAgain = true
        here()
      }
      answer(incoming, repeat())
    },
  })
}

const answer = (incoming: Incoming, serving: Promise<void>): void =>
  void serving.catch((error: unknown) => respondError(incoming, error))

const serveHere = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  task: OwnerTask,
  mayPass = context.draining,
): Promise<void> => {
  const isDriven = (): boolean =>
    held.live !== undefined && ownedBy(held.record, context.deps.instance)
  const taking = held.live && takeoverOf(context, held.record.id)
  if (taking) await untilServed(context, held, taking)
  if (isDriven() && held.live?.isReady()) return task.serve(held)
  if (!isDriven() && mayPass && (await passAside(context, incoming, held, task))) return
  const driving = isDriven() ? revived(context, held) : takeOver(context, held)
  const driven = await untilServed(context, held, driving)
  return driven ? task.serve(driven) : serveElsewhere(context, incoming, held, task)
}

/** revived resolves with the Session once it has an Upstream again; undefined: it is elsewhere by now, or over. */
const revived = async (context: Context, held: SessionEntry): Promise<SessionEntry | undefined> => {
  const { live } = held
  try {
    await reviveOwned(context, held)
    return held
  } catch (error) {
    if (live?.isOver()) return undefined
    throw error
  }
}

/** serveElsewhere is for when another Instance was faster, or has the Session by now. */
export const serveElsewhere = async (
  context: Context,
  incoming: Incoming,
  { record }: SessionEntry,
  task: OwnerTask,
): Promise<void> => {
  const moved = await context.sessions.find(record.id, { name: record.principal }, record.backend)
  return atOwner(context, incoming, moved, task)
}

/** passAside has another Instance take a Session over: this one would have to give it away at once. False: there is none. */
const passAside = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  task: OwnerTask,
): Promise<boolean> => {
  const other = await context.handoff.other(held.record.instance)
  if (!other || incoming.hops >= maxHops) return false
  context.handoff.passTo(incoming, other, task.body, {
    unreachable: () => answer(incoming, serveHere(context, incoming, held, task, false)),
    lost: (error) => respondError(incoming, error),
  })
  return true
}

/** isSurelyOwned tells that nobody can have taken over what this Instance owns: its lease has held ever since that was looked at. */
export const isSurelyOwned = (
  { leaseHeldSince }: Pick<RouterDeps, 'leaseHeldSince'>,
  { ownedAt }: Pick<SessionEntry, 'ownedAt'>,
): boolean => {
  const since = leaseHeldSince()
  return since !== undefined && since <= ownedAt
}

/**
 * verified makes sure that an Instance which was away, stopped or starved, drives no Session that another one took over meanwhile. While
 * the store cannot be reached nobody can take over either.
 */
const verified = async (
  { deps, sessions }: Context,
  incoming: Incoming,
  held: SessionEntry,
): Promise<SessionEntry> => {
  if (!ownedBy(held.record, deps.instance) || isSurelyOwned(deps, held)) return held
  const askedAt = performance.now()
  const { id, epoch, principal, backend } = held.record
  const found = await deps.sessions.find(id).then(
    // A store that was emptied says nothing: whoever remembers a Session writes it again.
    (record) => {
      held.ownedAt = askedAt
      return record?.epoch ?? epoch
    },
    () => epoch,
  )
  if (found === epoch) return held
  discard(sessions.forget(id))
  return sessions.find(id, { name: principal }, incoming.backend || backend)
}
