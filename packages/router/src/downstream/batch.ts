import { isPortable } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Batch } from '../http/body.js'
import { failureOf, malformed } from '../calls/failure.js'
import type { Incoming } from '../http/incoming.js'
import { gateAccepted, gateBatch } from '../calls/gate.js'
import { arrayOf, respondEmpty, respondJson } from '../http/respond.js'
import { openBatchReply } from '../outlet/batch-reply.js'
import type { SessionEntry } from '../sessions/entry.js'
import { changesState, noteRequest } from '../sessions/note.js'
import { callRefOf, requireRoom, untilLogged } from '../sse/pending.js'
import { liveOf } from '../path/owned/owned.js'
import { memberOutlet, noticeOutlet } from '../outlet/outlet.js'
import type { OnBroken, Reply } from '../outlet/reply.js'
import { repeatOwned } from '../path/owned/broken.js'
import { PortableCall } from '../path/portable/portable-call.js'
import { requireBackend } from '../context.js'
import type { Context } from '../context.js'
import { faultAnswer, openBatch } from './batch-members.js'
import type { Members } from './batch-members.js'

/**
 * answerBatch passes each message of a batch to the Session as if it had been POSTed alone, in their order, and answers all requests at once
 * (spec 2025-03-26, transports: sending messages to the server).
 */
export const answerBatch = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  batch: Batch,
): Promise<void> => {
  const { messages, faults } = openBatch(held, batch)
  const requests = messages.filter(({ kind }) => kind === 'request')
  const backend = requireBackend(context, held.record.backend)
  return gateBatch(context, incoming, backend, requests, batch.bytes, () =>
    sendBatch(context, incoming, held, { messages, requests, faults }),
  )
}

interface Sent extends Members {
  readonly requests: readonly Message[]
}

const sendBatch = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  { messages, requests, faults }: Sent,
): Promise<void> => {
  const carrier = carrierFor(context, incoming, held)
  await note(context, held, messages)
  const answers = faults.flatMap(faultAnswer)
  if (requests.length === 0) {
    await notifyAll(carrier, held, messages)
    if (answers.length > 0) respondJson(incoming, 200, arrayOf(answers))
    else respondEmpty(incoming, 202)
    return
  }
  const answer = openBatchReply(incoming, context, requests.length, answers)
  for (const message of messages) {
    if (message.kind !== 'request') {
      // Who is told of the rest need not be told of this: it is how a notification fails when it comes alone, too.
      await carrier.notify(message).catch(() => undefined)
      continue
    }
    const reply = answer.replyTo(message.id, {
      onOver: (over) => carrier.release(over),
      onBroken: carrier.onBroken(message),
    })
    if (reply) carrier.ask(message, reply)
  }
}

/** passBatch does so for a client whose answers come on its Stream. Nothing passes when a member is malformed: the Stream has no word for it. */
export const passBatch = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  batch: Batch,
): Promise<void> => {
  const { messages, faults } = openBatch(held, batch)
  if (faults[0]) throw malformed(faults[0])
  const live = liveOf(held)
  requireRoom(live, messages.filter(({ kind }) => kind === 'request').length)
  await gateAccepted(context, incoming, held, messages, (fresh) =>
    acceptAll(context, incoming, held, fresh),
  )
}

const acceptAll = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  fresh: readonly Message[],
): Promise<void> => {
  const live = liveOf(held)
  const { record } = held
  const { callLog } = context
  const requests = fresh.filter(({ kind }) => kind === 'request')
  const release: (() => void)[] = []
  try {
    for (const { id } of requests) release.push(live.outlet.reserve(id))
    await note(context, held, fresh)
    for (const { id } of requests) await callLog.supersede(record, id)
    const calls = new Map(requests.map((each) => [each, callRefOf(incoming, record, live, each)]))
    await Promise.all([...calls].map(([{ bytes }, call]) => callLog.request(record, call, bytes)))
    for (const message of fresh) {
      const call = calls.get(message)
      if (call) live.pass(message, call)
      else discard(live.notify(message))
    }
    for (const each of release.splice(0)) each()
    await Promise.all([...calls.values()].map((call) => untilLogged(context, record, live, call)))
  } finally {
    for (const each of release) each()
  }
}

/** What a successor has to repeat is noted before anything is sent, so that a store that is away refuses the batch as a whole. */
const note = async (
  context: Context,
  held: SessionEntry,
  messages: readonly Message[],
): Promise<void> => {
  for (const message of messages) {
    if (changesState(message)) await noteRequest(context.sessions, held, message)
  }
}

const notifyAll = async (
  carrier: Carrier,
  held: SessionEntry,
  messages: readonly Message[],
): Promise<void> => {
  for (const message of messages) {
    try {
      await carrier.notify(message)
    } catch (error) {
      throw failureOf(held.record.backend, error)
    }
  }
}

/** Carrier takes the messages of a batch to the server one by one, whichever way the Session has. */
interface Carrier {
  /** Sends a request, whose answer goes to its Reply, and waits for nothing. */
  ask(message: Message, reply: Reply): void
  /** What becomes of a request when its server goes away; undefined: its Path sees to that. */
  onBroken(message: Message): OnBroken | undefined
  /** Sends what needs no answer. It rejects when it could not be delivered. */
  notify(message: Message): Promise<void>
  /** Waits for the answer of a Reply no longer. */
  release(reply: Reply): void
}

const carrierFor = (context: Context, incoming: Incoming, held: SessionEntry): Carrier =>
  isPortable(held.record)
    ? portableCarrier(context, incoming, held)
    : ownedCarrier(context, incoming, held)

const ownedCarrier = (context: Context, incoming: Incoming, held: SessionEntry): Carrier => {
  const live = liveOf(held)
  const { backend } = held.record
  const { requestId, at } = incoming
  return {
    ask(message, reply) {
      live.request(message, reply).catch((error: unknown) => reply.fail(failureOf(backend, error)))
    },
    onBroken: (message) => repeatOwned(context, () => held, { message, requestId, at }),
    notify: (message) => live.notify(message),
    release: (reply) => live.release(reply),
  }
}

const portableCarrier = (context: Context, incoming: Incoming, held: SessionEntry): Carrier => {
  const calls = new Map<Reply, PortableCall>()
  return {
    ask(message, reply) {
      const call = new PortableCall(context, incoming, held, message, memberOutlet(incoming, reply))
      calls.set(reply, call)
      call.start()
    },
    onBroken: () => undefined,
    notify: (message) =>
      new Promise((resolve, reject) => {
        const outlet = noticeOutlet(held.record.backend, resolve, reject)
        new PortableCall(context, incoming, held, message, outlet).start()
      }),
    release(reply) {
      calls.get(reply)?.cancel()
      calls.delete(reply)
    },
  }
}
