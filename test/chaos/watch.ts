import { isRetrySafe } from './call.js'
import type { Called, Caller } from './caller.js'
import { faultText, seconds } from './fault.js'
import type { Fault } from './fault.js'
import { wasRefused } from './refusal.js'
import type { Loss } from './tally.js'

/** Watch notes what happens and prints it: a line now and then, and the first of what went wrong. */
export interface Watch {
  readonly calls: readonly Called[]
  readonly losses: readonly Loss[]
  readonly complaints: readonly string[]
  readonly called: (called: Called) => void
  readonly lost: (caller: Caller, why: string) => void
  readonly complain: (text: string) => void
  /** One line of what happened so far. */
  progress(): string
}

export interface WatchSpec {
  readonly nowMs: () => number
  readonly faults: readonly Fault[]
  readonly print: (line: string) => void
}

/** Of each kind. */
const printed = 20
const lastFaults = 3
const shownKinds: ReadonlySet<string> = new Set(['failed', 'hung', 'wrong', 'forgot'])

export const openWatch = ({ nowMs, faults, print }: WatchSpec): Watch => {
  const calls: Called[] = []
  const losses: Loss[] = []
  const complaints: string[] = []
  const shown = new Map<string, number>()
  const show = (kind: string, text: string): void => {
    const so = (shown.get(kind) ?? 0) + 1
    shown.set(kind, so)
    if (so > printed) return
    const last = faults.slice(-lastFaults).map(faultText).join('; ') || 'none'
    print(`  ! ${seconds(nowMs())}  ${text}\n      last faults: ${last}`)
    if (so === printed) print(`  ! more of this kind (${kind}) are counted only`)
  }
  const count = (kind: Called['outcome']['kind']): number =>
    calls.filter(({ outcome }) => outcome.kind === kind).length
  // As in the table; what a reload of Nginx reset is told apart at the end only.
  const refused = (): number => calls.filter((called) => wasRefused(faults, called)).length
  return {
    calls,
    losses,
    complaints,
    called(called) {
      calls.push(called)
      const { outcome } = called
      if (shownKinds.has(outcome.kind) && !wasRefused(faults, called))
        show(outcome.kind, callText(called))
    },
    lost({ name }, why) {
      losses.push({ atMs: nowMs(), client: name, why })
      show('lost', `session lost: ${name}: ${why}`)
    },
    complain(text) {
      complaints.push(text)
      show('other', text)
    },
    progress() {
      const parts = [
        `${calls.length} calls`,
        `${count('answered')} answered`,
        `${count('told unknown')} told unknown`,
        `${count('failed') - refused()} failed`,
        `${refused()} refused`,
        `${count('hung')} hung`,
        `${count('wrong')} wrong`,
        `${count('modern cut')} modern cut`,
        `${losses.length} sessions lost`,
      ]
      const last = faults.at(-1)
      const done = `${faults.length} faults${last ? `, the last ${faultText(last)}` : ''}`
      return `${seconds(nowMs()).padStart(8)}  ${parts.join(', ')}; ${done}`
    },
  }
}

/** callText tells a call that went wrong. */
export const callText = ({ caller, call, fromMs, toMs, outcome }: Called): string => {
  const { id, tool, delayMs, steps } = call
  const pace = steps > 0 ? `${delayMs} ms, ${steps} reports` : `${delayMs} ms`
  const safe = isRetrySafe(call) ? 'retry-safe' : 'not retry-safe'
  const why = outcome.kind === 'answered' ? '' : `: ${outcome.text.slice(0, textLimit)}`
  const took = `${seconds(fromMs)}–${seconds(toMs)}`
  return `${outcome.kind}: ${caller.name} ${tool} (${pace}, ${safe}) ${id} ${took}${why}`
}

const textLimit = 400
