import { remembered } from '@mcp-router/core'

/** Accepted is which of the two forms of an answer a client takes: one JSON body, or a stream of events. */
export interface Accepted {
  readonly json: boolean
  readonly stream: boolean
}

const both: Accepted = { json: true, stream: true }
const usual = 'application/json, text/event-stream'

/** acceptedOf reads an Accept header (RFC 9110 §12.5.1); who sends none takes anything. */
export const acceptedOf = (header: string | undefined): Accepted =>
  header === undefined || header === usual ? both : read(header)

const read = remembered(1_000, (header): Accepted => {
  const ranges = header.toLowerCase().split(',').map(readRange)
  return {
    json: accepts(ranges, 'application/json'),
    stream: accepts(ranges, 'text/event-stream'),
  }
})

interface Range {
  readonly type: string
  readonly isRefused: boolean
}

const readRange = (text: string): Range => {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
  return { type, isRefused: parameters.some((each) => /^q\s*=\s*0(\.0*)?$/.test(each)) }
}

/** The range that says most about a type decides. */
const accepts = (ranges: readonly Range[], type: string): boolean => {
  for (const wanted of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const range = ranges.find((each) => each.type === wanted)
    if (range) return !range.isRefused
  }
  return false
}
