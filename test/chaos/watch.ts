import { isRetrySafe } from './call.js'
import type { Called, Caller } from './caller.js'
import { faultText, seconds } from './fault.js'
import type { Fault } from './fault.js'
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

const printed = 20
const lastFaults = 3

export const openWatch = ({ nowMs, faults, print }: WatchSpec): Watch => {
  const calls: Called[] = []
  const losses: Loss[] = []
  const complaints: string[] = []
  let shown = 0
  const show = (text: string): void => {
    if (++shown > printed) return
    const last = faults.slice(-lastFaults).map(faultText).join('; ') || 'none'
    print(`  ! ${seconds(nowMs())}  ${text}\n      last faults: ${last}`)
    if (shown === printed) print('  ! further failures are counted only')
  }
  const count = (kind: Called['outcome']['kind']): number =>
    calls.filter(({ outcome }) => outcome.kind === kind).length
  return {
    calls,
    losses,
    complaints,
    called(called) {
      calls.push(called)
      const { outcome } = called
      if (outcome.kind === 'failed' || outcome.kind === 'hung') show(callText(called))
    },
    lost({ name }, why) {
      losses.push({ atMs: nowMs(), client: name, why })
      show(`session lost: ${name}: ${why}`)
    },
    complain(text) {
      complaints.push(text)
      show(text)
    },
    progress() {
      const parts = [
        `${calls.length} calls`,
        `${count('answered')} answered`,
        `${count('told unknown')} told unknown`,
        `${count('failed')} failed`,
        `${count('hung')} hung`,
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
