import { createParser } from 'eventsource-parser'
import type { EventSourceMessage } from 'eventsource-parser'

/** messagesIn reads the JSON-RPC messages of a whole stream. */
export const messagesIn = (body: string): readonly string[] => {
  const events: EventSourceMessage[] = []
  createParser({ onEvent: (event) => events.push(event) }).feed(body)
  return events.filter(isMessage).map(({ data }) => data)
}

/** isMessage tells a message from other events, and from a priming event, which has no data. */
export const isMessage = ({ event, data }: EventSourceMessage): boolean =>
  (event === undefined || event === 'message') && data !== ''
