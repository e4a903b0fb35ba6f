import type { Random } from '../harness/fuzz/random.js'
import type { ToolName } from './fixture/tools.js'

/** Call is what a client is about to ask. */
export interface Call {
  /** Like no other's, so that what ran is known from the ledger. */
  readonly id: string
  readonly tool: ToolName
  /** What the tool itself takes. */
  readonly delayMs: number
  /** How often it reports its progress meanwhile. */
  readonly steps: number
}

/** isRetrySafe repeats what the annotations of the tools say. */
export const isRetrySafe = ({ tool }: Pick<Call, 'tool'>): boolean =>
  tool === 'read' || tool === 'set'

/** expectedText is the result that a call must come to. */
export const expectedText = ({ id, tool }: Call): string =>
  tool === 'ask' ? `ask ${id} ${userAnswer}` : `${tool} ${id}`

/** userAnswer is what every client's user says when asked. */
export const userAnswer = 'yes'

const often = ['read', 'read', 'read', 'set', 'set', 'append', 'append', 'append'] as const

/** nextCall draws a call: of ten, five are quick, three slow and two with progress; one quick one asks the user. */
export const nextCall = (random: Random, id: string): Call => {
  const tool = random.pick<ToolName>([...often])
  const shape = random.below(10)
  const delayMs = 200 + random.below(2_800)
  const steps = 2 + random.below(6)
  if (shape < 1) return { id, tool: 'ask', delayMs: 0, steps: 0 }
  if (shape < 5) return { id, tool, delayMs: 0, steps: 0 }
  if (shape < 8) return { id, tool, delayMs, steps: 0 }
  return { id, tool, delayMs, steps }
}
