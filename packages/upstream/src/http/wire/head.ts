import { BadAnswer } from '../bad-answer.js'

/** Head is that of a response; it may serve others that look the same, and never changes. */
export interface Head {
  readonly status: number
  readonly keepAlive: boolean
  readonly headers: Readonly<Fields>
}

type Fields = Record<string, string | string[]>

/** textOf reads a field that may stand once. */
export const textOf = (headers: Readonly<Fields>, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** What no field may hold (RFC 9110 §5.5), beside line breaks that are not CRLF. */
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/
const lineBreak = /[\r\n]/

/** So many heads, each of so many characters, are remembered of one origin: their servers answer with few different ones a second. */
const remembered = 64
const longestRemembered = 1_024

/** createHeadReader reads the heads of one origin: one that is known costs a look-up. What is not HTTP throws. */
export const createHeadReader = (): ((text: string) => Head) => {
  const known = new Map<string, Head>()
  return (text) => {
    const before = known.get(text)
    if (before) return before
    const head = parseHead(text)
    // Cookies differ from answer to answer, and are nothing to keep.
    if (text.length > longestRemembered || head.headers['set-cookie'] !== undefined) return head
    if (known.size >= remembered) known.clear()
    known.set(text, head)
    return head
  }
}

const parseHead = (text: string): Head => {
  if (control.test(text)) throw new BadAnswer('a head with a control character')
  const firstEnd = text.indexOf('\r\n')
  const first = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(
    firstEnd < 0 ? text : text.slice(0, firstEnd),
  )
  if (!first) throw new BadAnswer('an invalid HTTP response')
  const headers = firstEnd < 0 ? {} : parseFields(text, firstEnd + 2)
  const connection = textOf(headers, 'connection')?.toLowerCase()
  const keepAlive = first[1] === '1' ? connection !== 'close' : connection === 'keep-alive'
  return { status: Number(first[2]), keepAlive, headers }
}

const parseFields = (text: string, from: number): Fields => {
  const headers: Fields = {}
  let at = from
  while (at < text.length) {
    const found = text.indexOf('\r\n', at)
    const lineTo = found < 0 ? text.length : found
    const colon = text.indexOf(':', at)
    // `Content-Length : 5` is read by some parsers and passed over by others.
    const isNamed = colon > at && colon < lineTo && !isBlank(text.charCodeAt(colon - 1))
    // A line that begins with a blank belongs to the field before it, for those who still know that.
    if (!isNamed || isBlank(text.charCodeAt(at))) throw new BadAnswer('a malformed header')
    addField(headers, text.slice(at, colon).toLowerCase(), text.slice(colon + 1, lineTo).trim())
    at = lineTo + 2
  }
  return headers
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

const addField = (headers: Fields, name: string, value: string): void => {
  if (lineBreak.test(value) || name.includes('\n'))
    throw new BadAnswer('a lone line break in a header')
  const earlier = headers[name]
  // A date in a cookie has a comma.
  if (name === 'set-cookie') headers[name] = Array.isArray(earlier) ? [...earlier, value] : [value]
  else if (earlier === undefined) headers[name] = value
  else if (name !== 'content-length') headers[name] = `${String(earlier)}, ${value}`
  else if (earlier !== value) throw new BadAnswer('two different Content-Lengths')
}
