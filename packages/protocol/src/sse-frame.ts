import { flatten } from './splice.js'
import { messageFrame } from './sse.js'
import type { SseEvent } from './sse.js'

/** eventBytes writes an event that was decoded as a frame again, its id first. */
export const eventBytes = ({ event, data, id, retry }: SseEvent): Buffer => {
  const isMessage = event === 'message'
  if (id === undefined && retry === undefined && isMessage) return messageFrame(data)
  let head = id === undefined ? '' : `id: ${id}\n`
  if (retry !== undefined) head += `retry: ${retry}\n`
  if (data.length === 0 && id === undefined) return Buffer.from(`${head}\n`)
  // An event without data is no message: it only names a place to resume from.
  if (data.length > 0 || !isMessage) head += `event: ${event}\n`
  return Buffer.concat([Buffer.from(`${head}data: `), flatten(data), frameEnd])
}

const frameEnd = Buffer.from('\n\n')
const messageHead = Buffer.from('event: message\ndata: ')
const newline = 0x0a
const carriageReturn = 0x0d

/** soleMessageIn is the data of a chunk that holds one message as most servers write it, and nothing else; undefined: decode it. */
export const soleMessageIn = (chunk: Buffer): Buffer | undefined => {
  const from = messageHead.length
  const end = chunk.length - frameEnd.length
  if (end <= from || chunk[end] !== newline || chunk[end + 1] !== newline) return undefined
  if (chunk.compare(messageHead, 0, from, 0, from) !== 0) return undefined
  if (chunk.indexOf(newline, from) !== end || chunk[end - 1] === carriageReturn) return undefined
  return chunk.includes(carriageReturn, from) ? undefined : chunk.subarray(from, end)
}

/** endsEvent tells that a chunk of a stream ends with the end of an event. */
export const endsEvent = (chunk: Buffer): boolean => {
  const last = chunk.length - 1
  if (chunk[last] !== newline) return false
  return (
    chunk[last - 1] === newline ||
    (chunk[last - 1] === carriageReturn && chunk[last - 2] === newline)
  )
}
