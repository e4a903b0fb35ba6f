import { isDeepStrictEqual } from 'node:util'
import { resultText } from './stub-answer.js'
import type { Traffic } from './traffic.js'

/** complaintsAbout sends two calls of a row, ids of both types, and says what is wrong with the answers: nothing, one hopes. */
export const complaintsAbout = async (
  base: string,
  { answer, requests, callOf }: Traffic,
): Promise<readonly string[]> => {
  const complaints: string[] = []
  const request = requests.at(-1)
  if (!request) return ['the row sends nothing']
  for (const id of [2_000_000_000, 'call-ü-1']) {
    const response = await fetch(base + request.path, {
      method: 'POST',
      headers: request.headers,
      body: callOf(id),
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? 'none'
    const wanted = answer === 'sse' ? 'text/event-stream' : 'application/json'
    if (response.status !== 200 || !type.startsWith(wanted)) {
      complaints.push(`a call was answered ${response.status} ${type}: ${text.slice(0, 300)}`)
      continue
    }
    const message = answer === 'sse' ? lastEvent(text) : text
    if (!isRight(message, id)) complaints.push(`a call got the wrong answer: ${text.slice(0, 300)}`)
  }
  return complaints
}

/** A hop between eras adds members to the result that its client's revision wants. */
const isRight = (text: string, id: number | string): boolean => {
  const { result, ...envelope } = parsed(text)
  const { content, isError } = (result ?? {}) as Record<string, unknown>
  const wanted = { content: [{ type: 'text', text: resultText }], isError: false }
  return (
    isDeepStrictEqual(envelope, { jsonrpc: '2.0', id }) &&
    isDeepStrictEqual({ content, isError }, wanted)
  )
}

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

const lastEvent = (text: string): string => {
  const data = text.split('\n').filter((line) => line.startsWith('data:'))
  return data.at(-1)?.slice('data:'.length) ?? ''
}
