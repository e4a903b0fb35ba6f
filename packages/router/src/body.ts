import type { IncomingMessage } from 'node:http'
import { RouterError } from '@mcp-router/core'
import { MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { malformed } from './failure.js'
import type { Incoming } from './incoming.js'

/** readBody collects a body of at most `limit` bytes; a longer one is BODY_TOO_LARGE as soon as that is known. */
export const readBody = (req: IncomingMessage, limit: number): Promise<Buffer> => {
  const announced = Number(req.headers['content-length'] ?? 0)
  if (announced > limit) return Promise.reject(tooLarge(req, limit))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else reject(tooLarge(req, limit))
    })
    req.on('end', () => {
      const [first] = chunks
      resolve(chunks.length === 1 && first ? first : Buffer.concat(chunks))
    })
    // Emitted only when the client leaves early: nobody reads the answer, but the promise must settle.
    req.on('error', () => reject(new RouterError('INVALID_REQUEST', { reason: brokeOff })))
  })
}

const brokeOff = 'the body broke off'

/** What is still on its way is thrown away, so that the client gets to read the answer. */
const tooLarge = (req: IncomingMessage, limit: number): RouterError => {
  req.removeAllListeners('data')
  req.resume()
  return new RouterError('BODY_TOO_LARGE', { limit })
}

const jsonType = /^application\/json\s*(;|$)/i

/** readMessage reads the one JSON-RPC message of a POST and notes it on the Incoming. */
export const readMessage = async (incoming: Incoming, limit: number): Promise<Message> => {
  const { req } = incoming
  const type = req.headers['content-type']
  if (type !== 'application/json' && !jsonType.test(type ?? '')) {
    throw new RouterError('UNSUPPORTED_CONTENT_TYPE')
  }
  const message = parse(await readBody(req, limit))
  incoming.reads(message)
  return message
}

const parse = (bytes: Buffer): Message => {
  try {
    return scanMessage(bytes)
  } catch (error) {
    throw error instanceof MalformedMessage ? malformed(error) : error
  }
}
