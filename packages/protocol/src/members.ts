/** Match is how a key compares with the names: the one it equals, and whether it does so but for case. */
export interface Match {
  readonly name: string
  readonly isExact: boolean
}

interface Name {
  readonly codes: Buffer
  readonly exact: Match
  readonly inexact: Match
}

const backslash = 0x5c
const firstBeyondAscii = 0x80
const caseBit = 0x20

/** Members are names that a scan looks for among the keys of an object; keys are compared by their bytes. */
export class Members {
  private readonly names: readonly Name[]

  constructor(...names: readonly string[]) {
    this.names = names.map((name) => ({
      codes: Buffer.from(name),
      exact: { name, isExact: true },
      inexact: { name, isExact: false },
    }))
  }

  /** match finds the name for the key between two indices, without its quotes; undefined: it is none of them. */
  match(bytes: Buffer, start: number, end: number): Match | undefined {
    const match = this.matchPlain(bytes, start, end)
    // Most keys of an envelope are its members.
    if (match?.isExact) return match
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte === backslash || byte >= firstBeyondAscii) return this.matchText(bytes, start, end)
    }
    return match
  }

  private matchPlain(bytes: Buffer, start: number, end: number): Match | undefined {
    const length = end - start
    for (const { codes, exact, inexact } of this.names) {
      if (codes.length !== length) continue
      let difference = 0
      for (let at = 0; at < length; at++) difference |= (bytes[start + at] ?? 0) ^ (codes[at] ?? 0)
      if (difference === 0) return exact
      if (difference === caseBit && isLettered(bytes, start, codes)) return inexact
    }
    return undefined
  }

  /** Escapes are resolved; `ſ` and the Kelvin sign are letters to parsers that ignore case (Go's encoding/json). */
  private matchText(bytes: Buffer, start: number, end: number): Match | undefined {
    const key = textIn(bytes, start, end)
    for (const { exact, inexact } of this.names) {
      if (exact.name === key) return exact
      if (folded(exact.name) === folded(key)) return inexact
    }
    return undefined
  }
}

/** isLettered tells that only letters differ: the bit that makes their case is another character's own. */
const isLettered = (bytes: Buffer, start: number, codes: Buffer): boolean =>
  codes.every((code, at) => code === bytes[start + at] || /[a-z]/i.test(String.fromCharCode(code)))

const folded = (key: string): string => key.toUpperCase().toLowerCase()

const textIn = (bytes: Buffer, start: number, end: number): string => {
  const text = bytes.toString('utf8', start, end)
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}
