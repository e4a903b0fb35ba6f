import { isRetrySafe } from './call.js'
import type { Call } from './call.js'

/** Outcome is what came of a call, with what the client saw. */
export type Outcome =
  | { readonly kind: 'answered'; readonly text?: string }
  | {
      /** The state of the session is gone though its server lives. */
      readonly kind: 'forgot'
      readonly text: string
      /** When the server had taken that state, ms since the start of the run. */
      readonly sinceMs: number
    }
  | {
      /** `wrong`: the result of another call; `given up`: the client ended meanwhile. */
      readonly kind: 'told unknown' | 'failed' | 'hung' | 'modern cut' | 'wrong' | 'given up'
      readonly text: string
      /** Its session is of no use any more. */
      readonly lost?: boolean
    }
export type OutcomeKind = Outcome['kind']

/** A call whose outcome nobody knows is told with one of these, and a text that says so. */
const unknownCodes = [-31001, -31502]
const unknownTexts = /outcome unknown|the call may have run/i

/** A session that is gone is told by status 404 or by these texts. */
const lostTexts = /session not found|not initialized|no such session|HTTP 404/i

/** What was repeated when its instance was lost, and lost its next one, too, may be what ends instances: it is not sent a third time. */
const repeatedText = /it was retried once, with the same outcome/

/** outcomeOf judges the error that a call ended in. One that may be repeated must not be told unknown before it was. */
export const outcomeOf = (call: Call, error: unknown): Outcome => {
  const text = textsOf(error)
  if (isLoss(error, text)) return { kind: 'failed', text, lost: true }
  if (!isUnknown(error, text)) return { kind: 'failed', text }
  if (!isRetrySafe(call) || repeatedText.test(text)) return { kind: 'told unknown', text }
  return { kind: 'failed', text: `told unknown, though ${call.tool} may be repeated: ${text}` }
}

const isUnknown = (error: unknown, text: string): boolean => {
  if (!unknownTexts.test(text)) return false
  const code = codeOf(error)
  // An HTTP error has the JSON-RPC error in its text.
  return unknownCodes.some((known) => code === known || text.includes(`"code":${known}`))
}

const isLoss = (error: unknown, text: string): boolean =>
  lostTexts.test(text) || codeOf(error) === 404

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

/** textsOf is an error with its causes, as `fetch failed` alone says nothing. */
export const textsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = codeOf(error)
  const own = `${error.message || error.name}${typeof code === 'string' ? ` (${code})` : ''}`
  return error.cause === undefined ? own : `${own}: ${textsOf(error.cause)}`
}
