import { RouterError } from '@mcp-router/core'
import { errorBytes, MalformedMessage, modernClaim } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { malformed } from '../calls/failure.js'
import type { Batch } from '../http/body.js'
import { scanClientMessage } from '../http/client-message.js'
import type { SessionEntry } from '../sessions/entry.js'
import { splitBatch } from './split-batch.js'

/** The most messages that a batch may have; servers of the official SDK take as many. */
const maxMessages = 100

/** The first revision without batches; revisions are dates, so their order as text is their order in time. */
const firstWithout = '2025-06-18'

/** Members are those of a batch, and what is wrong with the others. */
export interface Members {
  readonly messages: readonly Message[]
  readonly faults: readonly MalformedMessage[]
}

/** openBatch takes a batch apart and refuses what must not run in part. */
export const openBatch = (held: SessionEntry, batch: Batch): Members => {
  if (held.record.revision >= firstWithout) throw batch.refusal
  const read = membersIn(batch)
  if (read.length === 0) throw refused('the batch is empty')
  if (read.length > maxMessages) {
    throw refused(`a batch may have at most ${maxMessages} messages; send more of them`)
  }
  const messages = read.flatMap((each) => (each instanceof MalformedMessage ? [] : [each]))
  const faults = read.flatMap((each) => (each instanceof MalformedMessage ? [each] : []))
  requireLegacy(messages, batch)
  requireDistinct(messages)
  const [first] = faults
  if (first && messages.length === 0 && faults.every((fault) => !hasId(fault))) {
    throw malformed(first)
  }
  return { messages, faults }
}

/** membersOf is the messages of a batch that can be read. */
export const membersOf = (batch: Batch): readonly Message[] =>
  membersIn(batch).flatMap((each) => (each instanceof MalformedMessage ? [] : [each]))

const membersIn = ({ bytes }: Batch): readonly (Message | MalformedMessage)[] =>
  splitBatch(bytes, maxMessages + 1).map(readMember)

const readMember = (bytes: Buffer): Message | MalformedMessage => {
  try {
    return scanClientMessage(bytes)
  } catch (error) {
    if (error instanceof MalformedMessage) return error
    throw error
  }
}

const requireLegacy = (messages: readonly Message[], batch: Batch): void => {
  for (const message of messages) {
    if (modernClaim(message)) throw batch.refusal
    if (message.method === 'initialize') throw refused('initialize must not be part of a batch')
  }
}

/** Of two answers under one id nobody could tell which is which. */
const requireDistinct = (messages: readonly Message[]): void => {
  const ids = new Set<string>()
  for (const { kind, id } of messages) {
    if (kind !== 'request') continue
    if (ids.has(id)) throw refused(`two requests of the batch have the id ${id}`)
    ids.add(id)
  }
}

/** A member without an id that could be read has no answer: clients of these revisions take no id that is null. */
export const faultAnswer = (fault: MalformedMessage): Buffer[] => {
  if (!hasId(fault)) return []
  const { rpc, message } = malformed(fault)
  return [errorBytes(fault.id, rpc, message)]
}

const hasId = ({ id }: MalformedMessage): boolean => id !== '' && id !== 'null'

const refused = (reason: string): RouterError => new RouterError('INVALID_REQUEST', { reason })
