import type { Session } from '@mcp-router/core'
import { notificationBytes, requestBytes, resultOf, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** Speaker is the client's side of an Upstream. */
export interface Speaker {
  /** Sends a request and resolves with its response. */
  ask(message: Message): Promise<Message>
  notify(message: Message): Promise<void>
}

/** replayHandshake tells a new server what the client told the one before: its initialize, its log level, its subscriptions. */
export const replayHandshake = async (
  speaker: Speaker,
  { initialize, loggingLevel, subscriptions }: Session,
): Promise<void> => {
  const params = JSON.parse(initialize) as object // as it was noted
  const answer = await speaker.ask(ownRequest('initialize', params))
  if (!resultOf(answer)) throw new Error('initialize was refused')
  await speaker.notify(scanMessage(notificationBytes('notifications/initialized')))
  if (loggingLevel) await speaker.ask(ownRequest('logging/setLevel', { level: loggingLevel }))
  for (const uri of subscriptions) await speaker.ask(ownRequest('resources/subscribe', { uri }))
}

let own = 0

/** A request that the client did not send; its id must be none of the client's. */
const ownRequest = (method: string, params: object): Message =>
  scanMessage(requestBytes(`mcp-router-own-${++own}`, method, params))
