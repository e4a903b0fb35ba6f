import type { Backend } from '@mcp-router/core'
import { scanMessage, toolNameOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { createBox } from '../bridge/box.js'
import type { Incoming } from '../http/incoming.js'
import type { Resumed } from '../http/resumed.js'
import { isKnownRetrySafe } from '../calls/retry-safe.js'
import type { KnownTools } from '../calls/retry-safe.js'

/** StreamedRequest is a request of 2026-07-28 whose answer became a stream, as the id of the stream's first event tells it. */
export interface StreamedRequest extends Resumed {
  /** The request; only its id, method and tool where it was too long or must not be sent again. */
  readonly message: Message
  readonly isWhole: boolean
  /** Digest under which the CallLog has it; empty where it does not. */
  readonly digest: string
}

/** Bearer is whose stream it is: with another Principal, or at another Backend, the same text means nothing. */
interface Bearer {
  readonly principal: string
  readonly backend: string
}

/**
 * ModernEventIds makes and reads the ids of first events. The revision has no resumption, but clients of the official SDK that saw an id send it as
 * Last-Event-ID when the stream breaks, and wait in vain when they saw none.
 */
export interface ModernEventIds {
  /** Undefined: it would be too long for a header. */
  write(request: StreamedRequest, bearer: Bearer): string | undefined
  /** Undefined: it is none of those, or expired, or somebody else's. */
  read(text: unknown, bearer: Bearer): StreamedRequest | undefined
}

const prefix = 'mcpr2.'
/** An id comes back as a header: proxies and servers take 8 KiB of a header at least, names and values of others aside. Bytes. */
const longest = 6 * 1024
/** A request with more in it is not sealed, bytes: base64url adds a third. */
const longestBody = 4 * 1024
/** How long the CallLog knows of a call is the least that an id must be good for; long calls go on for longer. ms */
const ttlMs = 60 * 60_000

export const createModernEventIds = (clusterSecret: string): ModernEventIds => {
  const box = createBox(clusterSecret, 'event id')
  return {
    write(request, bearer) {
      const sealed = (isWhole: boolean): string =>
        prefix + box.seal(textOf(request, isWhole), boundTo(bearer))
      const whole =
        request.isWhole && request.message.bytes.length <= longestBody ? sealed(true) : undefined
      if (whole !== undefined && whole.length <= longest) return whole
      const outline = sealed(false)
      return outline.length <= longest ? outline : undefined
    },
    read(text, bearer) {
      if (typeof text !== 'string' || !text.startsWith(prefix) || text.length > longest)
        return undefined
      const opened = box.open(text.slice(prefix.length), boundTo(bearer))
      return opened === undefined ? undefined : requestIn(opened)
    },
  }
}

type About = [boolean, readonly string[], string, string, number, number, number]

const textOf = (request: StreamedRequest, isWhole: boolean): string => {
  const { message, params, requestId, digest, at, repeats } = request
  const kept = isWhole ? params : []
  const about: About = [isWhole, kept, requestId, digest, at, repeats, Date.now() + ttlMs]
  const body = isWhole ? message.bytes.toString('utf8') : outlineOf(message)
  return `${JSON.stringify(about)}\n${body}`
}

/** What was sealed by us is what we wrote. */
const requestIn = (opened: string): StreamedRequest | undefined => {
  const split = opened.indexOf('\n')
  const about = JSON.parse(opened.slice(0, split)) as About
  const [isWhole, params, requestId, digest, at, repeats, until] = about
  if (until <= Date.now()) return undefined
  const message = scanMessage(Buffer.from(opened.slice(split + 1)))
  return { message, isWhole, params, requestId, digest, at, repeats }
}

/** outlineOf is the part of a request that OUTCOME_UNKNOWN names. */
const outlineOf = (message: Message): string => {
  const tool = toolNameOf(message)
  const params = tool === undefined ? '' : `,"params":{"name":${JSON.stringify(tool)}}`
  return `{"jsonrpc":"2.0","id":${message.id},"method":${JSON.stringify(message.method)}${params}}`
}

const boundTo = ({ principal, backend }: Bearer): Buffer =>
  Buffer.from(JSON.stringify([principal, backend]))

/** bearerOf is whoever sent a request. */
export const bearerOf = ({ principal, backend }: Incoming): Bearer => ({
  principal: principal.name,
  backend,
})

/** Streamed is a request that is answered, and of whom. */
export interface Streamed {
  readonly backend: Backend
  readonly message: Message
}

/** EventIdSource is what the id of a first event is made with: whether the request may be sent again is part of it. */
export interface EventIdSource extends KnownTools {
  readonly eventIds: Pick<ModernEventIds, 'write'>
}

/** eventIdOf is the id of the first event of an answer; undefined: it has none. Who listens opens another stream when one breaks. */
export const eventIdOf = (
  source: EventIdSource,
  incoming: Incoming,
  { backend, message }: Streamed,
): string | undefined => {
  if (message.method === 'subscriptions/listen') return undefined
  const { resumed, accepted, requestId, at } = incoming
  const isWhole = isKnownRetrySafe(source, backend, message) !== false
  const digest = accepted?.digest ?? ''
  const origin = resumed
    ? { ...resumed, repeats: resumed.repeats + 1 }
    : { params: paramsIn(incoming), requestId, at: Math.round(at), repeats: 0 }
  return source.eventIds.write({ ...origin, message, isWhole, digest }, bearerOf(incoming))
}

const paramsIn = ({ rawHeaders }: Incoming): string[] =>
  rawHeaders.filter((_, at) => /^mcp-param-/i.test(rawHeaders[at - (at % 2)] ?? ''))

/** primer is an event without data that gives its stream an id before it has anything to say (2025-11-25, transports: servers prime streams so). */
export const primer = (id: string): Buffer => Buffer.from(`id: ${id}\ndata: \n\n`)
