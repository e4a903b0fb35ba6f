import { expect } from 'vitest'
import type { Answer } from './http.js'

/** Refusal is how the router should answer what it does not take. */
export interface Refusal {
  readonly status: number
  readonly code: number
  /** What the message must say, for who has to do better. */
  readonly says: RegExp
  /** The id of the refused message; null where nobody could read it. */
  readonly id?: unknown
  readonly headers?: Readonly<Record<string, string | RegExp>>
}

/** expectRefusal compares an answer with what it should be, all at once, so that a failure shows the whole answer. */
export const expectRefusal = (answer: Answer, expected: Refusal): void => {
  const body = answer.headers['content-type'] === 'application/json' ? answer.json() : answer.text
  const headers = Object.entries(expected.headers ?? {}).map(([name, value]) => [
    name,
    value instanceof RegExp ? expect.stringMatching(value) : value,
  ])
  expect({ status: answer.status, headers: answer.headers, body }).toMatchObject({
    status: expected.status,
    headers: Object.fromEntries(headers),
    body: {
      jsonrpc: '2.0',
      id: expected.id ?? null,
      error: { code: expected.code, message: expect.stringMatching(expected.says) },
    },
  })
}
