import type { Message } from './message.js'
import { scanEnvelope, textOf } from './scan.js'

/** Spliced is a message whose id was exchanged, every other byte untouched. */
export interface Spliced {
  readonly bytes: Buffer
  /** The id that stood there, as it was written. */
  readonly previous: string
}

/** spliceId puts another id (JSON text) into a message that has one. Numbers, unknown members and spacing stay as sent. */
export const spliceId = (message: Pick<Message, 'bytes' | 'idSpan'>, id: string): Spliced => {
  const { bytes } = message
  const span = message.idSpan ?? scanEnvelope(bytes)?.id
  if (!span) throw new TypeError('splicing the id of a message: it has none')
  const idBytes = Buffer.byteLength(id)
  const spliced = Buffer.allocUnsafe(bytes.length - (span.end - span.start) + idBytes)
  bytes.copy(spliced, 0, 0, span.start)
  spliced.write(id, span.start)
  bytes.copy(spliced, span.start + idBytes, span.end)
  return { bytes: spliced, previous: textOf(bytes, span) }
}

const newline = 0x0a
const carriageReturn = 0x0d

/** flatten puts a message on one line, as stdio and SSE need it: a raw line break in valid JSON can only be white space. */
export const flatten = (bytes: Buffer): Buffer => {
  if (!bytes.includes(newline) && !bytes.includes(carriageReturn)) return bytes
  const line = Buffer.from(bytes)
  for (let at = 0; at < line.length; at++) {
    if (line[at] === newline || line[at] === carriageReturn) line[at] = 0x20
  }
  return line
}
