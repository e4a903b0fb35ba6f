import type { Backend, SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { SessionLost } from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import { failureOf } from '../../calls/failure.js'
import type { Incoming } from '../../http/incoming.js'
import { respondEmpty } from '../../http/respond.js'
import { untilServed } from '../portable/head-limit.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { repeatOwned } from './broken.js'
import { LiveSession } from './live.js'
import type { LiveHooks } from './live-hooks.js'
import { formOf } from '../../streams/replay.js'
import { readForeign, Replays, unknownEvent } from '../../streams/replays.js'
import { openReply } from '../../outlet/reply.js'
import { openCounted, resume } from '../../streams/resume.js'
import { StreamedCall, succeed } from '../../streams/streamed.js'
import { restartOwned, reviveOwned } from './revive.js'
import { putOff } from './revival.js'

/** openLive makes the live part of an owned Session; when its Upstream ends by itself, another takes its place. */
export const openLive = (
  context: Context,
  backend: string,
  id: SessionId,
  epoch = 1,
): LiveSession => {
  const { deps, sessions } = context
  const settle = (doing: string, done: Promise<unknown>): void => {
    done.catch((error: unknown) => {
      if (error instanceof Error) deps.events.emit({ kind: 'fault', doing, error })
    })
  }
  const hooks: LiveHooks = {
    onLost() {
      const held = sessions.held(id)
      if (!held) return
      // Before initialize there is no conversation to carry on.
      const cause = 'its server, or the connection to it, had ended'
      if (held.live) held.live.revival.cause = cause
      if (!held.record.initialize) settle(`ending session ${id}`, sessions.end(held, cause))
      else reviveLater(context, held)
    },
    async onMissing() {
      const held = sessions.held(id)
      if (held?.record.initialize) await untilServed(context, held, reviveOwned(context, held))
    },
    async onForgotten(upstream, error) {
      const held = sessions.held(id)
      if (!held) throw new RouterError('SESSION_NOT_FOUND')
      // Before initialize there is nothing that could be replayed elsewhere.
      if (!held.record.initialize && !(error instanceof SessionLost)) throw error
      const isForgotten = error instanceof SessionLost
      const cause = `its server ${isForgotten ? 'had forgotten it' : 'could not be reached'}`
      const { live } = held
      // It may have answered other calls before it went away.
      if (!isForgotten) await live?.untilEnded(upstream)
      // Where it has ended meanwhile, that was noted.
      if (live?.isOn(upstream)) {
        live.revival.cause = cause
        if (!isForgotten && !context.gates.of(held.endpoint)) putOff(live.revival)
      }
      await untilServed(context, held, restartOwned(context, held, upstream))
    },
    repeats: (message, at) => repeatOwned(context, () => sessions.held(id), { message, at }),
    onDelivered(call, answer) {
      const held = sessions.held(id)
      if (held) context.callLog.addDelivered(held.record, call, answer)
    },
    onUndelivered(call, answer) {
      const held = sessions.held(id)
      if (held) context.callLog.undelivered(held.record, call, answer)
    },
    onAgreed(agreed) {
      const held = sessions.held(id)
      if (held) settle('noting what was agreed on', sessions.change(held, agreed))
    },
  }
  return new LiveSession(backend, hooks, new Replays(context.buffers, epoch), {
    deadlines: context.deadlines,
    deadlineMs() {
      const { backends } = deps.registry.snapshot()
      return (backends as ReadonlyMap<string, Backend>).get(backend)?.deadlineMs ?? Infinity
    },
    inputTtlMs: deps.options.inputTtlMs,
  })
}

/** How long after its connection was lost a Session connects again by itself, ms. */
const reconnectMs = 250

/** The next message brings the Upstream back; whoever only listens must not wait for one. */
const reviveLater = (context: Context, held: SessionEntry): void => {
  const { live } = held
  if (!live) return
  const pauseMs = context.gates.of(held.endpoint) ? reconnectMs : putOff(live.revival)
  if (held.streams === 0) return
  const timer = setTimeout(() => {
    if (held.live === live && held.streams > 0) reviveOwned(context, held).catch(() => undefined)
  }, pauseMs + 1)
  timer.unref()
}

/** passOwned sends a message to the Upstream that this Instance owns; a request is answered by its Reply. */
export const passOwned = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message,
): Promise<void> => {
  const live = liveOf(held)
  requireValid(message)
  if (message.kind !== 'request') {
    await live.notify(message)
    respondEmpty(incoming, 202)
    return
  }
  live.replays.requireRoom()
  await answerOwned(context, incoming, held, message)
}

/** answerOwned asks the server; `isResumed`: for a client that came back for the rest of a stream. */
const answerOwned = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message,
  isResumed = false,
): Promise<void> => {
  const live = liveOf(held)
  const { requestId, at } = incoming
  const reply = openReply(incoming, context, live, {
    form: formOf(held.record),
    onBroken: repeatOwned(context, () => held, { message, requestId, at }),
    streamed: new StreamedCall(context, incoming, held.record, message),
    isResumed,
  })
  // What could not even be sent is over for the Reply too, which else would begin its stream some time later.
  await live
    .request(message, reply)
    .catch((error: unknown) => reply.fail(failureOf(held.record.backend, error)))
}

/**
 * followOwned makes this response the client's Stream (GET): it carries what the server says outside of calls. With a Last-Event-ID it
 * carries on the stream of that event instead.
 */
export const followOwned = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
): Promise<void> => {
  const live = liveOf(held)
  const lastEventId = incoming.req.headers['last-event-id']
  if (typeof lastEventId === 'string' && lastEventId && formOf(held.record) !== 'plain') {
    const place = live.replays.find(lastEventId)
    const foreign = readForeign(lastEventId)
    if (place) resume(context, incoming, held, place)
    else if (!foreign || foreign.instance || foreign.epoch >= held.record.epoch)
      throw unknownEvent()
    else if (foreign.requestId !== undefined)
      return succeed(context, incoming, held, foreign, (message) =>
        answerOwned(context, incoming, held, message, true),
      )
    // What an Owner before this one said outside of calls is lost with it; what comes is not.
    else openSessionStream(context, incoming, held, live)
    return
  }
  openSessionStream(context, incoming, held, live)
}

/** endOwned ends the Session with its Upstream, as its client asked (DELETE). */
export const endOwned = (context: Context, held: SessionEntry): Promise<void> =>
  context.sessions.end(held, 'DELETE by the client')

/** openSessionStream opens a Stream, counts it, and attaches it to the LiveSession. */
const openSessionStream = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  live: LiveSession,
): void => {
  const stream = openCounted(context, incoming, held, () => live.replays.standalone.detach(stream))
  live.attach(stream, formOf(held.record))
}

/** liveOf is what the Owner holds of a Session; it is gone when the Upstream ended this moment. */
export const liveOf = (held: SessionEntry): LiveSession => {
  if (!held.live) throw new RouterError('SESSION_NOT_FOUND')
  return held.live
}
