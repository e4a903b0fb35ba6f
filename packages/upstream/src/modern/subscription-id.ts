import { isRecord, metaKeys, parseExact, writeExact } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

type Json = Record<string, unknown>

/** subscriptionOf reads which listen a notification belongs to; undefined: none. */
export const subscriptionOf = (message: Message): unknown =>
  metaOf(bodyOf(message))?.[metaKeys.subscriptionId]

/** retagged writes a message of a listen with the id (JSON text) that the listener gave it, in its tag and, of a response, as its id. */
export const retagged = (message: Message, id: string): Buffer => {
  const value = parsed(message)
  const tag: unknown = JSON.parse(id)
  const meta = metaOf(bodyOf(message))
  const told = meta ? { _meta: { ...meta, [metaKeys.subscriptionId]: tag } } : {}
  const key = message.kind === 'response' ? 'result' : 'params'
  const body = isRecord(value[key]) ? { [key]: { ...value[key], ...told } } : {}
  const own = message.kind === 'response' ? { id: tag } : {}
  return Buffer.from(writeExact({ ...value, ...own, ...body }))
}

/** untagged takes the tag off: a session knows no listens. */
export const untagged = (message: Message): Buffer => {
  const value = parsed(message)
  const { params } = value
  const meta = metaOf(params)
  if (!meta || !isRecord(params)) return message.bytes
  const kept = without(meta, metaKeys.subscriptionId)
  const body = without(params, '_meta')
  const told = Object.keys(kept).length > 0 ? { ...body, _meta: kept } : body
  const envelope = without(value, 'params')
  return Buffer.from(
    writeExact(Object.keys(told).length > 0 ? { ...envelope, params: told } : envelope),
  )
}

const without = (value: Json, key: string): Json =>
  Object.fromEntries(Object.entries(value).filter(([each]) => each !== key))

const parsed = (message: Message): Json => parseExact(message.bytes) as Json // scanned: an object

const bodyOf = (message: Message): unknown => {
  const value = parsed(message)
  return value['params'] ?? value['result']
}

const metaOf = (body: unknown): Json | undefined =>
  isRecord(body) && isRecord(body['_meta']) ? body['_meta'] : undefined
