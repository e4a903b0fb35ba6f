import { modernResponse, modernToolCall } from '../harness/modern.js'
import type { ModernResponse } from '../harness/modern.js'
import { roots, sampled } from '../harness/sdk/client.js'

/** Round is a call of a modern client that waits for answers. */
export interface Round {
  readonly inputRequests: Readonly<
    Record<string, { readonly method: string; readonly params: object }>
  >
  readonly requestState: string
}

/** Call is what is posted again in every round. */
export interface Call {
  readonly name: string
  readonly arguments?: object
}

/** roundOf is what a response asks for; it throws where it asks for nothing. */
export const roundOf = (response: ModernResponse): Round => {
  const { resultType, inputRequests, requestState } = response.result ?? {}
  if (resultType !== 'input_required' || !inputRequests || requestState === undefined)
    throw new Error(`no input is required: ${JSON.stringify(response)}`)
  return { inputRequests, requestState }
}

/** beginCall posts a call that asks for input. */
export const beginCall = async (url: string, call: Call, id = 'first'): Promise<Round> =>
  roundOf(modernResponse(await modernToolCall(url, { ...call }, { id })))

/** answerRound posts a call again, with the state of a round and answers to all that it asked. */
export const answerRound = async (
  url: string,
  call: Call,
  round: Round,
  name = 'Ada',
): Promise<ModernResponse> => {
  const inputResponses = Object.fromEntries(
    Object.entries(round.inputRequests).map(([key, { method }]) => [key, answerTo(method, name)]),
  )
  const { requestState } = round
  const answered = { ...call, inputResponses, requestState }
  return modernResponse(await modernToolCall(url, answered, { id: `answer to ${name}` }))
}

/** answerTo is what the client answers to one request of the server. */
export const answerTo = (method: string, name: string): object => {
  if (method === 'sampling/createMessage') return sampled
  if (method === 'roots/list') return roots
  return { action: 'accept', content: { name, color: 'blue' } }
}

/** saidBy is the first text of a result. */
export const saidBy = ({ result, error }: ModernResponse): string =>
  result?.content?.[0]?.text ?? JSON.stringify(error ?? result)
