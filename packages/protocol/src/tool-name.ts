import type { Message } from './message.js'
import { textOf } from './scan.js'

/** toolNameOf reads which tool a scanned `tools/call` names, without parsing its arguments; undefined: none. */
export const toolNameOf = ({ bytes, method, nameSpan }: Message): string | undefined => {
  if (method !== 'tools/call' || !nameSpan) return undefined
  const raw = textOf(bytes, nameSpan)
  if (plain.test(raw)) return raw.slice(1, -1)
  try {
    const name: unknown = JSON.parse(raw)
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

const plain = /^"[^"\\]*"$/
