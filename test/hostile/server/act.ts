import { setTimeout as wait } from 'node:timers/promises'

/** Act is one thing that a hostile server does with its output. */
export type Act =
  | { readonly kind: 'write'; readonly bytes: Buffer }
  /** The same bytes over and over, as fast as they are read. */
  | { readonly kind: 'flood'; readonly bytes: Buffer; readonly times: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** Writes to standard error; nothing on a connection. */
  | { readonly kind: 'complain'; readonly bytes: Buffer; readonly times: number }
  /** Closes the output properly. */
  | { readonly kind: 'end' }
  /** Closes it without a word: a reset, or SIGKILL. */
  | { readonly kind: 'reset' }

/** Output is where acts show: a connection, an SSE stream, standard output. */
export interface Output {
  /** Resolves once more may be written. */
  write(bytes: Buffer): Promise<void>
  complain(bytes: Buffer): Promise<void>
  end(): void
  reset(): void
  isClosed(): boolean
}

export const write = (bytes: Buffer | string): Act => ({ kind: 'write', bytes: bytesOf(bytes) })
export const pause = (ms: number): Act => ({ kind: 'wait', ms })
export const end: Act = { kind: 'end' }
export const reset: Act = { kind: 'reset' }

/** bytesOf writes one byte per character up to U+00FF where all are, so that control bytes stay what they are; else UTF-8. */
export const bytesOf = (text: Buffer | string): Buffer => {
  if (typeof text !== 'string') return text
  return Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8')
}

/** perform does one act after the other until the output is closed. */
export const perform = async (acts: readonly Act[], output: Output): Promise<void> => {
  for (const act of acts) {
    if (output.isClosed()) return
    switch (act.kind) {
      case 'write':
        await output.write(act.bytes)
        break
      case 'flood':
        for (let n = 0; n < act.times && !output.isClosed(); n++) await output.write(act.bytes)
        break
      case 'complain':
        for (let n = 0; n < act.times && !output.isClosed(); n++) await output.complain(act.bytes)
        break
      case 'wait':
        await wait(act.ms)
        break
      case 'end':
        output.end()
        break
      case 'reset':
        output.reset()
        return
    }
  }
}

/** writtenBy is what the acts write, floods left out. */
export const writtenBy = (acts: readonly Act[]): Buffer =>
  Buffer.concat(acts.flatMap((act) => (act.kind === 'write' ? [act.bytes] : [])))
