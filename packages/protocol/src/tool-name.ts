import type { Message } from './message.js'
import { scanMembers, textOf } from './scan.js'

const wanted: ReadonlySet<string> = new Set(['name'])

/** toolNameOf reads which tool a scanned `tools/call` names, without parsing its arguments; undefined: none. */
export const toolNameOf = ({ bytes, method, paramsSpan }: Message): string | undefined => {
  if (method !== 'tools/call' || !paramsSpan) return undefined
  const span = scanMembers(bytes, paramsSpan, wanted)?.['name']
  if (!span) return undefined
  const raw = textOf(bytes, span)
  if (plain.test(raw)) return raw.slice(1, -1)
  try {
    const name: unknown = JSON.parse(raw)
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

const plain = /^"[^"\\]*"$/
