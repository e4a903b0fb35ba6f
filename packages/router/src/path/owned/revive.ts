import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError, shortReason } from '@mcp-router/core'
import { discard, mayTryElsewhere } from '@mcp-router/upstream'
import type { Upstream } from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import { openWithFailover } from '../../calls/failover.js'
import { failureOf } from '../../calls/failure.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { continueOn, resumeOn } from '../../sessions/go-on.js'
import { reinitialized } from '../../sessions/reinitialized.js'
import type { LiveSession } from './live.js'
import { putOff, wasBrief } from './revival.js'
import { emitRevived } from '../../sessions/session-events.js'

/** Who needs it waits for it to come back, where that is soon, ms. */
const longestHoldMs = 2_000

/**
 * reviveOwned gives a Session of this Instance an Upstream again, once for all who wait. Who comes while one that waited for long gives up has
 * a patience of its own. It rejects at once soon after a command failed.
 */
export const reviveOwned = async (context: Context, held: SessionEntry): Promise<void> => {
  const { live } = held
  if (!live) throw new RouterError('SESSION_NOT_FOUND')
  if (live.isReady()) return
  const attempt = {}
  for (;;) {
    try {
      await revive(context, held, live, attempt)
      return
    } catch (error) {
      if (live.isOver() || !(await mayComeBack(context, held, attempt, error))) throw error
    }
  }
}

const mayComeBack = async (
  { deps, selector }: Context,
  { endpoint, record }: SessionEntry,
  attempt: object,
  error: unknown,
): Promise<boolean> => {
  if (endpoint.transport === 'stdio') return false
  if (!(error instanceof RouterError) || error.code !== 'NO_HEALTHY_ENDPOINT') return false
  const backend = deps.registry.snapshot().backends.get(record.backend)
  return backend !== undefined && selector.mayReturn(backend, attempt)
}

const revive = (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  attempt: object,
): Promise<void> => {
  const { revival } = live
  const gate = context.gates.of(held.endpoint)
  if (gate) {
    revival.underway ??= gate
      .enter(held.record.backend)
      .then((leave) => connect(context, held, attempt).finally(leave))
      .catch((error: unknown) => {
        throw failureOf(held.record.backend, error)
      })
      .finally(() => {
        revival.underway = undefined
      })
    return revival.underway
  }
  const restMs = revival.notBefore - Date.now()
  if (!revival.underway && restMs > longestHoldMs) {
    const data = { backend: held.record.backend, reason: 'it ended again and again' }
    return Promise.reject(new RouterError('NO_HEALTHY_ENDPOINT', data))
  }
  revival.underway ??= (restMs > 0 ? wait(restMs) : Promise.resolve())
    .then(() => connect(context, held, attempt))
    .then(
      () => {
        revival.since = Date.now()
      },
      (error: unknown) => {
        putOff(revival)
        throw failureOf(held.record.backend, error)
      },
    )
    .finally(() => {
      revival.underway = undefined
    })
  return revival.underway
}

/** restartOwned gives it a new Upstream in place of this one, or whatever it has; others may have done so already. */
export const restartOwned = async (
  context: Context,
  held: SessionEntry,
  upstream?: Upstream,
): Promise<void> => {
  const { live } = held
  if (!live) throw new RouterError('SESSION_NOT_FOUND')
  if (upstream && !live.isOn(upstream)) return reviveOwned(context, held)
  const left = live.leave()
  if (left) discard(left.close())
  await reviveOwned(context, held)
}

/** restOwned ends an Upstream that nobody uses: the next message brings another. */
export const restOwned = (live: LiveSession): void => {
  live.revival.cause = 'its process had been ended after a while without use'
  const left = live.leave()
  if (left) discard(left.close())
}

/** `attempt` is that of the request which began this: all that is done for it has one patience. */
const connect = async (context: Context, held: SessionEntry, attempt: object): Promise<void> => {
  const { live, record } = held
  if (!live) throw new RouterError('SESSION_NOT_FOUND')
  const backend = context.deps.registry.snapshot().backends.get(record.backend)
  if (!backend) throw new RouterError('SESSION_NOT_FOUND')
  const isWanted = (): boolean => !live.isOver()
  if (await continueSession(context, backend, held, live)) return
  const open = async (endpoint: Endpoint): Promise<Endpoint> => {
    const upstream = await openGated(context, backend, endpoint, live)
    await resumeOn(live, upstream, record).catch((error: unknown) => {
      discard(upstream.close())
      // Another Instance has it by now: it is no fault of the server, and no reason to try again.
      if (live.isOver()) throw error
      const reason = shortReason(error)
      throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: backend.name, reason }, error)
    })
    return endpoint
  }
  const isElsewhereBetter = backend.endpoints.length > 1 && wasBrief(live.revival)
  const from = isElsewhereBetter ? { tried: new Set([held.endpoint]) } : { first: held.endpoint }
  const wanted = { backend, ...from, attempt, isWanted, open }
  const at = await openWithFailover(context.selector, wanted)
  live.revival.openedAt = Date.now()
  const place = context.sessions.at(at)
  const change = { ...place, ...live.backendSession() }
  const isElsewhere = place.place !== record.place || place.endpoint !== record.endpoint
  if (isElsewhere || change.backendSessionId !== record.backendSessionId)
    discard(context.sessions.change(held, change))
  if (record.initialize) {
    const changes = reinitialized(context, backend.name, at, live.capabilities)
    for (const change of changes) live.replays.standalone.say(change)
  }
  emitRevived(context.deps.events, record, place, live.revival)
}

/**
 * continueSession goes on with the session that an Owner before this one had at an http Endpoint: its id is all of its state here. Whether the
 * server still knows it, its stream or the first message finds out; a new handshake follows then. False: there is none, or it is at an Endpoint that
 * was replaced.
 */
const continueSession = async (
  context: Context,
  backend: Backend,
  { endpoint, isReplaced, record }: SessionEntry,
  live: LiveSession,
): Promise<boolean> => {
  const { backendSessionId: sessionId, revision, cookies = '' } = record
  const isKnown = live.revival.continues === true && sessionId !== '' && !isReplaced
  live.revival.continues = false
  if (!isKnown || endpoint.transport !== 'http') return false
  const session = { sessionId, revision, cookies }
  const upstream = context.deps.dialer.continue(backend, endpoint, session, live.bind())
  try {
    await continueOn(live, upstream)
  } catch (error) {
    if (live.isOver()) throw error
    return false
  }
  emitRevived(
    context.deps.events,
    record,
    context.sessions.at(endpoint),
    live.revival,
    'reconnected',
  )
  return true
}

const openGated = async (
  context: Context,
  backend: Backend,
  endpoint: Endpoint,
  live: LiveSession,
): Promise<Upstream> => {
  const gate = context.gates.of(endpoint)
  const startedAt = performance.now()
  try {
    const upstream = await context.deps.dialer.open(backend, endpoint, live.bind())
    gate?.up()
    return upstream
  } catch (error) {
    if (mayTryElsewhere(error)) gate?.down(startedAt)
    throw error
  }
}
