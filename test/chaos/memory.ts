import { isAlive, processAt } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'
import type { Call } from './call.js'
import type { Outcome } from './outcome.js'

/** Memory is what a session at a server with state should know. It may forget with the process that it runs in, and with nothing else. */
export interface Memory {
  /** It is time to call `remember`. */
  wants(): boolean
  /** `recall` can be judged. */
  isSet(): boolean
  /** The session is a new one. */
  forget(): void
  /** What came of a call, in the light of what the session should know. */
  judge(call: Call, outcome: Outcome, nowMs: number): Outcome
}

interface Known {
  readonly value: string
  readonly process: Process | undefined
  readonly sinceMs: number
}

/** createMemory keeps nothing where the session has no state that would live on. */
export const createMemory = (hasState: boolean): Memory => {
  let known: Known | undefined
  return {
    wants: () => hasState && known === undefined,
    isSet: () => known !== undefined,
    forget: () => (known = undefined),
    judge({ id, tool }, outcome, nowMs) {
      if (outcome.kind !== 'answered' || (tool !== 'remember' && tool !== 'recall')) return outcome
      const [, , value = '', pid] = outcome.text?.split(' ') ?? []
      if (tool === 'remember') {
        known = { value: id, process: processAt(Number(pid)), sinceMs: nowMs }
        return outcome
      }
      const before = known
      if (!before || value === before.value) return outcome
      known = undefined
      if (value !== 'nothing') return { kind: 'wrong', text: `recalled "${value}"` }
      if (!before.process || !isAlive(before.process)) return outcome
      const text = `the server lives, and the session's state is gone`
      return { kind: 'forgot', text, sinceMs: before.sinceMs }
    },
  }
}
