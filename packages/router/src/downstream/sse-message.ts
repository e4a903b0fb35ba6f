import type { InstanceId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import { readMessageOrBatch } from '../http/body.js'
import type { Batch } from '../http/body.js'
import type { Incoming } from '../http/incoming.js'
import { respondAccepted } from '../http/respond.js'
import { gateAccepted } from '../calls/gate.js'
import { isKnownRetrySafe } from '../calls/retry-safe.js'
import { isAcknowledgement } from '../sse/acknowledge.js'
import { adoptHandshake } from '../sse/adoption.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { LiveSession } from '../path/owned/live.js'
import { noteRequest } from '../sessions/note.js'
import { callRefOf, requireRoom, untilLogged } from '../sse/pending.js'
import { liveOf } from '../path/owned/owned.js'
import { atOwner, isAbout, serveElsewhere } from '../sessions/owner.js'
import type { OwnerTask } from '../sessions/owner.js'
import { restartConversation } from '../sse/redeliver.js'
import { awaitReturn } from '../sse/return.js'
import { askerOf } from '../sse/return-proof.js'
import { restartOwned } from '../path/owned/revive.js'
import { passBatch } from './batch.js'
import { membersOf } from './batch-members.js'
import { noteBackend, requireBackend } from '../context.js'
import type { Context } from '../context.js'
import { requireShort } from './initialize.js'

/** serveMessage answers the POSTs of such a client: 202, and what the server answers comes on its Stream. */
export const serveMessage = async (
  context: Context,
  incoming: Incoming,
  name: string,
  id: string,
): Promise<void> => {
  if (incoming.req.method !== 'POST') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  noteBackend(context, incoming, name)
  const message = await readMessageOrBatch(incoming, context.deps.options.maxBodyBytes)
  if (name) requireBackend(context, name)
  if (!id) throw new RouterError('SESSION_REQUIRED')
  incoming.session = id
  const asker = message.kind === 'batch' ? undefined : askerOf(message)
  if (asker) return passProof(context, incoming, message as Message, asker, { name, id }) // no batch
  const held = await context.sessions.find(id, incoming.principal, name)
  if (held.record.downstream !== 'sse') throw new RouterError('SESSION_NOT_FOUND')
  incoming.backend = held.record.backend
  incoming.endpoint = held.record.endpoint
  const task: OwnerTask = {
    body: message.bytes,
    serve: (here) => accept(context, incoming, here, message, task),
    // Whoever takes the Session over knows what was taken already.
    isRetrySafe: () => Promise.resolve(true),
    isAbout: isAbout(message),
  }
  return atOwner(context, incoming, held, task)
}

/** passProof takes the answer to a ping of `askForProof` to the Instance that asked. */
const passProof = async (
  context: Context,
  incoming: Incoming,
  message: Message,
  asker: InstanceId,
  { name, id }: { readonly name: string; readonly id: string },
): Promise<void> => {
  const accept = (): void => respondAccepted(incoming)
  if (asker === context.deps.instance) {
    context.returns.settle(message, incoming, name, id)
    accept()
    return
  }
  const to = incoming.handedOff ? undefined : await context.handoff.find(asker)
  // Where it is gone its stream is, too.
  if (!to) accept()
  else context.handoff.passBack(incoming, to, message.bytes, { unreachable: accept, lost: accept })
}

/** A client that reconnects in the middle of its handshake without Last-Event-ID has a new session: its `initialize` fails after this, ms. */
const unbegunMs = 3_000

const noStream =
  'the stream of this session is closed, so the response could not be delivered and the message was not passed on; open the stream again'

/** accept takes a message whose answer, if there is one, comes on the Stream. */
const accept = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message | Batch,
  task: OwnerTask,
): Promise<void> => {
  const isBegun = held.record.initialize !== ''
  const begins = message.kind !== 'batch' && message.method === 'initialize'
  // Nothing was begun, and the Stream went with the Owner: its client opens another one. One that begins was sent before that.
  if (held.streams === 0 && !isBegun && !begins) {
    await context.sessions.end(held)
    throw new RouterError('SESSION_NOT_FOUND')
  }
  if (isBegun) context.orphans.see(held, incoming)
  // Its client may come back as one that cannot be recognised, and would wait for the answer for ever.
  const came = isBegun ? awaitReturn(held) : awaitReturn(held, unbegunMs)
  const forget = came === 'here' ? undefined : announce(incoming, held, message)
  try {
    const is = await came
    if (is === 'elsewhere') {
      await serveElsewhere(context, incoming, held, task)
      return
    }
    if (is === 'late') {
      if (!isBegun) await context.sessions.end(held)
      throw new RouterError('INVALID_REQUEST', { reason: noStream })
    }
    if (message.kind !== 'batch' && isAcknowledgement(liveOf(held), message)) {
      respondAccepted(incoming)
      return
    }
    // Once it is answered 202, bad JSON could no longer be refused.
    if (message.kind !== 'batch') requireValid(message)
    await adoptHandshake(context, incoming, held, message.kind === 'batch' ? undefined : message)
  } finally {
    // Its id is taken in this same turn, and the response may come before it is answered 202.
    forget?.()
  }
  if (message.kind === 'batch') await passBatch(context, incoming, held, message)
  else if (message.kind !== 'request') await acceptNotice(context, held, liveOf(held), message)
  else {
    const take = begins ? acceptInitialize : acceptRequest
    const go = (): Promise<void> => take(context, incoming, held, message)
    await gateAccepted(context, incoming, held, [message], go)
  }
  respondAccepted(incoming)
}

/** announce has the Session drop what its client has no use for: responses to earlier requests with the ids of these. */
const announce = (
  { requestId, mayComeAgain }: Incoming,
  { live }: SessionEntry,
  message: Message | Batch,
): (() => void) | undefined => {
  const callId = mayComeAgain ? requestId : ''
  const messages = message.kind === 'batch' ? membersOf(message) : [message]
  const requests = messages.filter(({ kind }) => kind === 'request')
  return live?.outlet.announce(requests.map(({ id }) => ({ callId, requestId: id })))
}

const acceptNotice = async (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  message: Message,
): Promise<void> => {
  // It has the answer to that.
  if (message.method === 'notifications/initialized') context.callLog.dropDelivered(held.record)
  await noteRequest(context.sessions, held, message)
  discard(live.notify(message))
}

const acceptRequest = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message,
): Promise<void> => {
  const live = liveOf(held)
  requireRoom(live, 1)
  const release = live.outlet.reserve(message.id)
  try {
    await noteRequest(context.sessions, held, message)
    await context.callLog.supersede(held.record, message.id)
    const call = callRefOf(incoming, held.record, live, message)
    const noting = context.callLog.request(held.record, call, message.bytes)
    // What may run twice need not wait for that: until it is answered 202, whoever sent it knows that it may be lost.
    const backend = requireBackend(context, held.record.backend)
    if (!isKnownRetrySafe(context, backend, message)) await noting
    live.pass(message, call)
    // It is in flight from here on until its response is there.
    release()
    await noting
    await untilLogged(context, held.record, live, call)
  } finally {
    release()
  }
}

/** acceptInitialize takes one after the other: each that is not the first begins a new conversation with the server. */
const acceptInitialize = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message,
): Promise<void> => {
  requireShort(context, message)
  const live = liveOf(held)
  const before = live.client.initializing
  const accept = async (): Promise<void> => {
    await before
    if (held.record.initialize) await startOver(context, held, message)
    await acceptRequest(context, incoming, held, message)
  }
  const accepting = accept()
  live.client.initializing = accepting.catch(() => undefined)
  await accepting
}

const startOver = async (context: Context, held: SessionEntry, by: Message): Promise<void> => {
  const live = liveOf(held)
  const reason = 'the client has begun a new conversation with initialize'
  for (const reply of live.replies.pending())
    if (reply.id !== by.id) reply.giveUp(new RouterError('INVALID_REQUEST', { reason }))
  await restartConversation(context, held, live)
  const fresh = { initialize: '', loggingLevel: '', subscriptions: [] }
  await context.sessions.change(held, fresh)
  await restartOwned(context, held)
}
