import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'

/** Asked is a request as a hostile server reads it. */
export interface Asked {
  /** Undefined: a notification, or no JSON-RPC at all (GET, DELETE). */
  readonly id: unknown
  readonly method: string
  /** The step that this belongs to; undefined: it is to be answered soundly. */
  readonly step: number | undefined
  /** It opens a session whose GET and DELETE belong to the step. */
  readonly isForGet: boolean
  /** Stands in all that is answered, so that bytes which reach somebody else are recognised. */
  readonly mark: string
  /** What a sound tool repeats. */
  readonly nonce: string
  /** How long a sound tool takes. */
  readonly ms: number
  readonly revision: string
  readonly progressToken: unknown
}

interface Message {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: {
    readonly protocolVersion?: unknown
    readonly arguments?: { readonly nonce?: unknown; readonly ms?: unknown }
    readonly _meta?: Readonly<Record<string, unknown>>
  }
}

/** markOf names a step in requests and in answers. */
export const markOf = (step: number): string => `odd~${step}~`

/** stepIn reads the step that a text names. */
export const stepIn = (text: string): number | undefined => {
  const found = /odd~(\d+)~/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** askedBy reads one message; `given` is the step of a server whose every answer is odd. */
export const askedBy = (text: string, given?: number): Asked => {
  const message = parsed(text)
  const step = stepIn(text) ?? given
  const { protocolVersion, arguments: args, _meta } = message.params ?? {}
  const modern = _meta?.['io.modelcontextprotocol/protocolVersion']
  return {
    id: message.id,
    method: textOr(message.method, 'none'),
    step,
    isForGet: text.includes('get odd~'),
    mark: step === undefined ? 'sound' : markOf(step),
    ms: Number(args?.ms ?? 0),
    nonce: textOr(args?.nonce, ''),
    revision: textOr(modern ?? protocolVersion, '2025-11-25'),
    progressToken: _meta?.['progressToken'],
  }
}

/** askedWithoutBody is a GET or DELETE that belongs to a step. */
export const askedWithoutBody = (method: string, step: number): Asked => ({
  ...askedBy('{}', step),
  method,
})

const textOr = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? value : otherwise

const parsed = (text: string): Message => {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** randomOf is the chance of one step: the same request gets the same answer, also when it is repeated. */
export const randomOf = (seed: number, { step = 0, method }: Asked): Random => {
  let state = seed ^ Math.imul(step + 1, 0x9e3779b1)
  for (const letter of method) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193)
  return createRandom(state)
}
