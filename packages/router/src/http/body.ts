import { isUtf8 } from 'node:buffer'
import { asError, RouterError } from '@mcp-router/core'
import { ChunkCollector, isMediaType, jsonType, MalformedMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { scanClientMessage } from './client-message.js'
import { malformed } from '../calls/failure.js'
import { digestOf } from '../cluster/signature.js'
import type { Incoming } from './incoming.js'
import type { EdgeRequest } from './edge.js'

/** So much more than the limit is read, to no purpose but that the client gets to read the answer, and for so long, ms. */
const patienceBytes = 64 * 1024 * 1024
const patienceMs = 10_000

/**
 * readBody collects a body of at most `limit` bytes and resolves with what `use` makes of it; a longer one is BODY_TOO_LARGE once the
 * client has stopped sending.
 */
export const readBody = <T>(
  req: EdgeRequest,
  limit: number,
  use: (body: Buffer) => T,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const settle = (body: Buffer): void => {
      try {
        resolve(use(body))
      } catch (error) {
        reject(asError(error))
      }
    }
    // Most bodies came with their head: the parser hands them on before the next microtask, and no event needs to be waited for.
    queueMicrotask(() => {
      if (!req.complete) collect(req, limit, settle, reject)
      else if (req.readableLength > limit) reject(new RouterError('BODY_TOO_LARGE', { limit }))
      else settle((req.read() as Buffer | null) ?? nothing)
    })
  })

const nothing = Buffer.alloc(0)

const collect = (
  req: EdgeRequest,
  limit: number,
  settle: (body: Buffer) => void,
  reject: (error: Error) => void,
): void => {
  const body = new ChunkCollector()
  let size = 0
  let tooLong: NodeJS.Timeout | undefined
  const refuse = (): void => {
    clearTimeout(tooLong)
    reject(new RouterError('BODY_TOO_LARGE', { limit }))
  }
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) body.push(chunk)
    else tooLong ??= setTimeout(refuse, patienceMs)
    if (size > limit + patienceBytes) refuse()
  })
  req.on('end', () => {
    if (size > limit) refuse()
    else settle(body.take())
  })
  // Emitted only when the client leaves early: nobody reads the answer, but the promise must settle.
  req.on('error', () => {
    clearTimeout(tooLong)
    reject(
      new RouterError('INVALID_REQUEST', {
        reason: 'the connection closed before the body was complete',
      }),
    )
  })
}

/** Batch is an array of messages, as clients of 2025-03-26 may POST it. It is valid JSON; its members were not looked at yet. */
export interface Batch {
  readonly kind: 'batch'
  readonly bytes: Buffer
  /** What is told where batches are not taken. */
  readonly refusal: RouterError
}

/** readMessage reads the one JSON-RPC message of a POST and notes it on the Incoming: errors from here on carry its id. */
export const readMessage = (incoming: Incoming, limit: number): Promise<Message> =>
  readPlain(incoming, limit, (bytes) => {
    const read = readAs(incoming, bytes)
    if (read.kind === 'batch') throw read.refusal
    return read
  })

/** readMessageOrBatch does the same where a batch may come instead. */
export const readMessageOrBatch = (incoming: Incoming, limit: number): Promise<Message | Batch> =>
  readPlain(incoming, limit, (bytes) => readAs(incoming, bytes))

/** Decoded, a small body may be any size: none is (RFC 9110 §15.5.16). */
const readPlain = <T>(
  { req, bodyDigest }: Incoming,
  limit: number,
  use: (body: Buffer) => T,
): Promise<T> => {
  const coding = req.headers['content-encoding']
  if (coding === undefined || coding.toLowerCase() === 'identity')
    return readBody(
      req,
      limit,
      bodyDigest === undefined ? use : (body) => use(asSigned(body, bodyDigest)),
    )
  return Promise.reject(new RouterError('UNSUPPORTED_CODING', { coding }))
}

/** Only the body that an Instance has read is acted on for whom it let in. */
const asSigned = (body: Buffer, digest: string): Buffer => {
  if (digestOf(body) === digest) return body
  throw new RouterError('INVALID_REQUEST', { reason: 'the body was changed between two instances' })
}

const readAs = (incoming: Incoming, bytes: Buffer): Message | Batch => {
  const read = scanFor(incoming, bytes)
  requireJson(incoming)
  if (!(read instanceof MalformedMessage)) return read
  if (read.kind !== 'batch') throw malformed(read)
  incoming.method = 'batch'
  return { kind: 'batch', bytes, refusal: malformed(read) }
}

const requireJson = (incoming: Incoming): void => {
  if (isMediaType(incoming.req.headers['content-type'], jsonType)) return
  throw new RouterError('UNSUPPORTED_CONTENT_TYPE')
}

const scanFor = (incoming: Incoming, bytes: Buffer): Message | MalformedMessage => {
  // A strict server ends at such a byte, and with it the session that others share.
  if (!isUtf8(bytes)) return new MalformedMessage('not-json', 'the body is not UTF-8')
  try {
    const message = scanClientMessage(bytes)
    incoming.reads(message)
    return message
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    incoming.id = error.id
    return error
  }
}
