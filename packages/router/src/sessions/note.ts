import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { paramsOf } from '@mcp-router/protocol'
import type { SessionEntry } from './entry.js'
import type { Sessions } from './sessions.js'

const noted: ReadonlySet<string> = new Set([
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** changesState tells that a message is one of the few whose effect a successor has to repeat. */
export const changesState = (message: Message): boolean => noted.has(message.method)

/** noteRequest keeps in the record what a successor has to replay: handshake, log level, subscriptions. Other messages cost nothing. */
export const noteRequest = async (
  sessions: Sessions,
  held: SessionEntry,
  message: Message,
): Promise<void> => {
  const { subscriptions } = held.record
  switch (message.method) {
    case 'initialize':
      return noteHandshake(sessions, held, JSON.stringify(paramsOf(message) ?? {}))
    case 'logging/setLevel':
      return sessions.change(held, { loggingLevel: textParam(message, 'level') })
    case 'resources/subscribe': {
      const all = new Set([...subscriptions, textParam(message, 'uri')])
      return sessions.change(held, { subscriptions: [...all] })
    }
    case 'resources/unsubscribe': {
      const uri = textParam(message, 'uri')
      return sessions.change(held, { subscriptions: subscriptions.filter((each) => each !== uri) })
    }
    default:
  }
}

/**
 * noteHandshake resolves once the store has the handshake: a conversation that only its Owner knows would be lost with that. It rejects with
 * STORE_UNAVAILABLE, as for any new Session, where the store stays away.
 */
const noteHandshake = async (
  sessions: Sessions,
  held: SessionEntry,
  initialize: string,
): Promise<void> => {
  await sessions.change(held, { initialize })
  if (await sessions.whenWritten(held)) return
  await sessions.change(held, { initialize: '' })
  throw new RouterError('STORE_UNAVAILABLE')
}

const textParam = (message: Message, name: string): string => {
  const value = paramsOf(message)?.[name]
  return typeof value === 'string' ? value : ''
}
