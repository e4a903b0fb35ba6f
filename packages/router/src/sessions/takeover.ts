import type { SessionId } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import { failureOf } from '../calls/failure.js'
import type { SessionEntry } from './entry.js'
import { openLive } from '../path/owned/owned.js'
import {
  failPending,
  isOfEarlierOwner,
  readCallLog,
  settlePending,
  awaitCallLog,
} from '../sse/pending.js'
import type { LoggedMessage } from '../sse/pending.js'
import { reviveOwned } from '../path/owned/revive.js'
import { lossOf } from './session-events.js'

/**
 * takeOver claims a Session whose Owner is gone and connects it anew: its handshake is replayed on a new Upstream. Undefined: another
 * Instance was faster, or it is gone. Requests that come meanwhile wait for the same Takeover.
 */
export const takeOver = (
  context: Context,
  held: SessionEntry,
  cause?: string,
): Promise<SessionEntry | undefined> => {
  const { takeovers } = context
  const { id } = held.record
  const known = takeovers.get(id)
  if (known) return known
  const taking = take(context, held, cause).finally(() => takeovers.delete(id))
  takeovers.set(id, taking)
  return taking
}

/**
 * takeoverOf resolves once a Takeover that is under way here is over, however it ends; undefined: there is none. Until then the
 * pending responses of the client are not known: a later request, its stream above all, must not go before the message that caused the Takeover.
 */
export const takeoverOf = (context: Context, id: SessionId): Promise<unknown> | undefined =>
  context.takeovers.get(id)?.catch(() => undefined)

const take = async (
  context: Context,
  held: SessionEntry,
  known?: string,
): Promise<SessionEntry | undefined> => {
  const cause = known ?? (await lossOf(context.handoff, held.record, context.deps.instance))
  const { id, backend, epoch, instance } = held.record
  const died = !(await isDraining(context, instance))
  const live = openLive(context, backend, id, epoch + 1)
  const { retry, patience } = context.deps.guard
  const taken = await retry(() => context.sessions.claim(held, live, cause), patience.required)
  if (!taken) return undefined
  live.revival.cause = 'it was taken over'
  live.revival.continues = true
  const logged = await readCallLog(context, taken.record, live)
  const { initialize } = taken.record
  // Its answer is among what is awaited: then there is no handshake yet that could be replayed.
  if (logged?.some(({ message }) => message.method === 'initialize')) {
    taken.record = { ...taken.record, initialize: '' }
  }
  // A store that is away keeps nobody from going on; what its client waits for is seen to once it is back.
  const settle = async (
    work: (logged: readonly LoggedMessage[]) => Promise<void>,
  ): Promise<void> => {
    if (logged) return work(logged)
    const late = awaitCallLog(context, taken.record, live)
    const isEarlier = isOfEarlierOwner(taken.record)
    discard(late.then((all) => work(all.filter(isEarlier))))
  }
  try {
    await reviveOwned(context, taken)
  } catch (error) {
    if (live.isOver()) return undefined
    await settle((all) => failPending(context, taken, all, failureOf(backend, error)))
    throw error
  }
  taken.record = { ...taken.record, initialize }
  await settle((all) => settlePending(context, taken, all, died))
  return taken
}

/** isDraining tells that an Instance is being stopped: whoever takes its Sessions over need not fear what it was asked. */
const isDraining = async ({ handoff }: Context, instance: string): Promise<boolean> =>
  (await handoff.find(instance).catch(() => undefined))?.back !== undefined
