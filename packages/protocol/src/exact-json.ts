import { isTooDeep } from './depth.js'

/** SpelledNumber is a JSON number that JavaScript would write otherwise: beyond 2^53, `1.0`, `1e400`. */
export class SpelledNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  valueOf(): number {
    return Number(this.text)
  }

  toJSON(): number {
    return Number(this.text)
  }
}

/** How an object or array that parseExact made was written. Values are never changed, so one that is handed on still says the same. */
const written = new WeakMap<object, string>()

/**
 * parseExact parses JSON of which parts will be written again by writeExact: those that are handed on as they are keep every byte, numbers
 * and repeated keys included. It throws SyntaxError for what is not JSON, RangeError for what is nested too deep.
 */
export const parseExact = (bytes: Buffer): unknown => {
  if (isTooDeep(bytes)) throw new RangeError('the JSON is nested too deep')
  const text = bytes.toString('utf8')
  const value: unknown = JSON.parse(text)
  // Most of what was written by JavaScript is written by it in the same way again.
  return JSON.stringify(value) === text ? value : new Reader(text).value()
}

/** writeExact writes a value that was put together of what parseExact made. */
export const writeExact = (value: unknown): string => {
  if (value instanceof SpelledNumber) return value.text
  if (value === undefined) return 'null'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const source = written.get(value)
  if (source !== undefined) return source
  if (Array.isArray(value)) return `[${value.map(writeExact).join(',')}]`
  const members: string[] = []
  for (const [key, each] of Object.entries(value)) {
    if (each !== undefined) members.push(`${JSON.stringify(key)}:${writeExact(each)}`)
  }
  return `{${members.join(',')}}`
}

/** Reader builds the value of text that is known to be JSON, and notes how it was written. */
class Reader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  value(): unknown {
    this.space()
    switch (this.text[this.at]) {
      case '{':
        return this.object()
      case '[':
        return this.array()
      case '"':
        return this.string()
      default:
        return this.literal()
    }
  }

  private object(): unknown {
    const start = this.at
    const entries: [string, unknown][] = []
    while (this.goesOn('}')) {
      const key = this.string()
      this.space()
      this.at++
      entries.push([key, this.value()])
    }
    // Not by assignment: `__proto__` is a key like any other.
    return this.noted(Object.fromEntries(entries), start)
  }

  private array(): unknown {
    const start = this.at
    const items: unknown[] = []
    while (this.goesOn(']')) items.push(this.value())
    return this.noted(items, start)
  }

  /** goesOn passes over what opens, separates or closes members; false: there are no more. */
  private goesOn(close: string): boolean {
    this.space()
    if (this.text[this.at] !== close) {
      this.at++
      this.space()
    }
    if (this.text[this.at] !== close) return true
    this.at++
    return false
  }

  private noted(value: object, start: number): object {
    written.set(value, this.text.slice(start, this.at))
    return value
  }

  private string(): string {
    const start = this.at
    do {
      this.at = this.text.indexOf('"', this.at + 1)
    } while (this.isEscaped(start))
    this.at++
    const raw = this.text.slice(start, this.at)
    return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1)
  }

  private isEscaped(start: number): boolean {
    let slashes = 0
    while (this.at - 1 - slashes > start && this.text[this.at - 1 - slashes] === '\\') slashes++
    return slashes % 2 === 1
  }

  private literal(): unknown {
    literal.lastIndex = this.at
    const raw = literal.exec(this.text)?.[0] ?? ''
    this.at = literal.lastIndex
    const value: unknown = JSON.parse(raw)
    return typeof value === 'number' && String(value) !== raw ? new SpelledNumber(raw) : value
  }

  private space(): void {
    space.lastIndex = this.at
    space.exec(this.text)
    this.at = space.lastIndex
  }
}

const literal = /[^\s,\]}]+/y
const space = /[ \t\n\r]*/y
