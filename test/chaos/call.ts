import type { Random } from '@mcp-router/testkit/random'
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
  ['read', 'set', 'remember', 'recall'].includes(tool)

/** expectedText is the result that a call must come to; of a tool with state, how it begins. */
export const expectedText = ({ id, tool }: Call): string =>
  asksUser(tool) ? `${tool} ${id} ${userAnswer}` : `${tool} ${id}`

/** isAnswerTo tells whether a result belongs to the call. */
export const isAnswerTo = (call: Call, text: string): boolean =>
  hasState(call.tool) ? text.startsWith(`${expectedText(call)} `) : text === expectedText(call)

const asksUser = (tool: ToolName): boolean => tool === 'ask' || tool === 'ask-aside'
const hasState = (tool: ToolName): boolean => tool === 'remember' || tool === 'recall'

/** userAnswer is what every client's user says when asked. */
export const userAnswer = 'yes'

const often = ['read', 'read', 'read', 'set', 'set', 'append', 'append', 'append'] as const

/** Mix is what a client calls beside the usual: tools that ask on the stream of its GET, tools that recall. */
export interface Mix {
  readonly asksAside: boolean
  readonly recalls: boolean
}

/** nextCall draws a call: of ten, five are quick, three slow and two with progress; one quick one asks the user, one recalls. */
export const nextCall = (random: Random, id: string, { asksAside, recalls }: Mix): Call => {
  const tool = random.pick<ToolName>([...often])
  const shape = random.below(10)
  const delayMs = 200 + random.below(2_800)
  const steps = 2 + random.below(6)
  const aside = random.chance(0.5)
  const quick = { id, delayMs: 0, steps: 0 }
  if (shape < 1) return { ...quick, tool: aside && asksAside ? 'ask-aside' : 'ask' }
  if (shape < 2 && recalls) return { ...quick, tool: 'recall' }
  if (shape < 5) return { id, tool, delayMs: 0, steps: 0 }
  if (shape < 8) return { id, tool, delayMs, steps: 0 }
  return { id, tool, delayMs, steps }
}
