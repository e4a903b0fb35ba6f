import { randomUUID } from 'node:crypto'
import { requestBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { SessionEntry } from '../sessions/entry.js'
import type { LiveSession } from '../path/owned/live.js'
import type { SessionCallLog } from '../calls/session-call-log.js'

/** A client answers a ping at once (spec 2024-11-05, utilities §Ping), ms. */
const patienceMs = 1_000

/**
 * acknowledge pings a client of 2024-11-05 on its Stream: that it answers proves that it has all that was told before. False: it did not in
 * time, or has no Stream.
 */
export const acknowledge = (live: LiveSession): Promise<boolean> => {
  if (!live.replays.standalone.isConnected()) return Promise.resolve(false)
  const ping = scanMessage(requestBytes(`mcp-router-${randomUUID()}`, 'ping', {}))
  return new Promise((resolve) => {
    const settle = (isAnswered: boolean): void => {
      clearTimeout(late)
      live.client.ping = undefined
      resolve(isAnswered)
    }
    const late = setTimeout(() => settle(false), patienceMs)
    live.client.ping = { id: ping.id, onAnswer: () => settle(true) }
    live.toStream(ping)
  })
}

/** isAcknowledgement takes the answer to such a ping, which is none of the server's business. */
export const isAcknowledgement = (live: LiveSession, { kind, id }: Message): boolean => {
  const { ping } = live.client
  if (kind !== 'response' || ping?.id !== id) return false
  ping.onAnswer()
  return true
}

/** acknowledged sees to it that what its client has need not be told again by the next Owner. */
export const acknowledged = async (
  callLog: SessionCallLog,
  { record, live }: SessionEntry,
): Promise<void> => {
  if (
    live &&
    record.downstream === 'sse' &&
    callLog.hasDelivered(record.id) &&
    (await acknowledge(live))
  )
    callLog.dropDelivered(record)
}
