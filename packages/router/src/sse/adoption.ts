import type { Session } from '@mcp-router/core'
import {
  legacyRevisions,
  notificationBytes,
  requestBytes,
  resultOf,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { advertisedChanges } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { readRevision } from '../calls/read-revision.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { LiveSession } from '../path/owned/live.js'
import { revisionOf } from '../downstream/recognise.js'

/** mayAdopt notes whose handshake a new Session can adopt: that of any of these, when it is the same for all. */
export const mayAdopt = (live: LiveSession, alike: readonly Session[]): void => {
  const all = new Set(alike.map(({ initialize }) => initialize))
  const [only] = all
  if (all.size === 1 && only) live.client.adoptable = only
}

/**
 * adoptHandshake makes the handshake that a client believes to have made: its stream broke, and which Session it had cannot be known. Without
 * one, the server would refuse all that it sends. Where that fails, its message goes on as it is: the server says what is wrong with it.
 */
export const adoptHandshake = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Pick<Message, 'method'> | undefined,
): Promise<void> | undefined => {
  const { live, record } = held
  if (!live) return undefined
  const { client } = live
  const { adopting } = client
  // A client may ping before it initializes (spec 2024-11-05, lifecycle).
  if (adopting || record.initialize || message?.method === 'ping') return adopting
  if (message?.method === 'initialize') return undefined
  const params = client.adoptable ?? plainParams(incoming)
  client.adopting = adopt(context, held, live, params)
    .catch(() => undefined)
    .finally(() => (client.adopting = undefined))
  return client.adopting
}

let own = 0

const adopt = async (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  params: string,
): Promise<void> => {
  const id = `mcp-router-adopt-${++own}`
  const opening = requestBytes(id, 'initialize', JSON.parse(params) as object) // as it was noted, or made here
  const result = resultOf(await live.ask(scanMessage(opening)))
  if (!result) return
  await live.notify(scanMessage(notificationBytes('notifications/initialized')))
  const revision = readRevision(held.record.backend, result)
  const agreed = { initialize: params, revision, ...live.backendSession() }
  await context.sessions.change(held, agreed)
  // What it had listed, it listed in the Session of before.
  for (const change of advertisedChanges(live.capabilities))
    live.replays.standalone.say(notificationBytes(change))
}

/** The revision is what the client says it agreed on, else that of its transport. */
const plainParams = ({ req }: Incoming): string =>
  JSON.stringify({
    protocolVersion: revisionOf(req.headers['mcp-protocol-version']) || legacyRevisions[0],
    capabilities: {},
    clientInfo: { name: 'mcp-router', version: '1' },
  })
