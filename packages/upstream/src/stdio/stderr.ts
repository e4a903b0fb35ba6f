import type { Backend } from '@mcp-router/core'
import { ChunkCollector } from '@mcp-router/protocol'

/** Stderr reads what a process writes aside: it may be anything, in any amount, and is never fatal. */
export interface Stderr {
  push(chunk: Buffer): void
  /** The end of it, in one line. */
  lastWords(): string
}

/** What of a longer line is kept, characters. */
const longestLine = 2_000
/** More is read of it: a secret on the edge must be found whole, bytes. */
const readLine = 3 * longestLine
const keptLines = 8
const longestWords = 1_200

/** createStderr calls back with each line, cut where it is too long; `mask` takes out what must not be told. */
export const createStderr = (
  onLine: (line: string) => void,
  mask: (text: string) => string,
): Stderr => {
  const kept: string[] = []
  let telling: string | undefined
  const begun = new ChunkCollector()

  const take = (bytes: Buffer): void => {
    const room = readLine - begun.bytes
    if (room <= 0 || bytes.length === 0) return
    // A copy: a slice would keep its whole chunk in memory.
    begun.push(Buffer.from(bytes.subarray(0, room)))
  }

  const end = (): void => {
    if (begun.bytes === 0) return
    const whole = mask(begun.take().toString('utf8').trimEnd())
    const line = whole.length > longestLine ? `${whole.slice(0, longestLine)} (cut)` : whole
    if (line === '') return
    kept.push(line)
    if (kept.length > keptLines) kept.shift()
    if (telling === undefined && isTelling.test(line)) telling = line
    onLine(line)
  }

  return {
    push(chunk) {
      let from = 0
      for (;;) {
        const at = chunk.indexOf(0x0a, from)
        take(chunk.subarray(from, at < 0 ? chunk.length : at))
        if (at < 0) return
        end()
        from = at + 1
      }
    },
    lastWords() {
      end()
      const lines = telling === undefined || kept.includes(telling) ? kept : [telling, ...kept]
      const words = lines.join(' | ').replace(/[\p{C}\s]+/gu, ' ')
      return words.length > longestWords ? `${words.slice(0, longestWords)} …` : words
    },
  }
}

/** The line that says what went wrong: of a stack trace, it is neither the first nor the last. */
const isTelling = /^\s*(npm )?[\w.]*error\b/i

/** A value that is shorter is no secret, and would be found everywhere. */
const shortestSecret = 4

/** maskingOf replaces the values that a Backend is configured with: those of its headers and of its environment. */
export const maskingOf = ({
  endpoints,
}: Pick<Backend, 'endpoints'>): ((text: string) => string) => {
  const values = endpoints.flatMap((endpoint) =>
    Object.values(endpoint.transport === 'stdio' ? endpoint.env : endpoint.headers),
  )
  const secrets = [...new Set(values.flatMap((value) => [value, ...value.split(/\s+/)]))]
    .filter((value) => value.length >= shortestSecret)
    // A value may contain another one.
    .sort((one, other) => other.length - one.length)
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}
