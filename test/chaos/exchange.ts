import { setTimeout as wait } from 'node:timers/promises'
import type { Call } from './call.js'
import { expectedText, isAnswerTo } from './call.js'
import type { ChaosClient } from './client.js'
import { outcomeOf } from './outcome.js'
import type { Outcome } from './outcome.js'

/**
 * limits: `callMs` is what a call may take, less than a stock SDK client waits (60 s) and more than an instance is stopped for; the SDK's own
 * limit is out of its way.
 */
export const limits = { callMs: 45_000, sdkMs: 60_000, connectMs: 20_000 } as const

/** A stock client of the modern era waits for its limit when a stream ends without the answer; the harness need not. */
const brokenAfterMs = 500
const pollMs = 100

/** exchange makes one call and tells what came of it. It never rejects. */
export const exchange = async (
  client: ChaosClient,
  call: Call,
  isModern: boolean,
  ending: AbortSignal,
): Promise<Outcome> => {
  const given = new AbortController()
  const limit = setTimeout(() => given.abort(new Error('limit')), limits.callMs)
  const done = new AbortController()
  const said = client.call(call, given.signal)
  // Looked at below; where the other side of the race is first, this one has no say any more.
  said.catch(() => undefined)
  try {
    const vain = isModern ? brokenStream(client, done.signal) : undelivered(client, done.signal)
    const text = await Promise.race([said, vain, ended(ending, done.signal)])
    if (isAnswerTo(call, text)) return { kind: 'answered', text }
    return { kind: 'wrong', text: `answered "${text}" instead of "${expectedText(call)}"` }
  } catch (error) {
    if (ending.aborted) return { kind: 'given up', text: 'the client ended' }
    if (error instanceof BrokenStream) {
      // Not in every case: the SDK would tell the server that a call which is over was cancelled.
      given.abort(error)
      return { kind: 'modern cut', text: error.message }
    }
    if (error instanceof Undelivered) {
      given.abort(error)
      return { kind: 'failed', text: error.message }
    }
    if (given.signal.aborted) return { kind: 'hung', text: `no answer in ${limits.callMs} ms` }
    if (isModern && client.answer() !== 'none' && !isAnswer(error))
      return { kind: 'modern cut', text: String(error) }
    return outcomeOf(call, error)
  } finally {
    clearTimeout(limit)
    done.abort()
  }
}

/** ended rejects when the client is ended. */
const ended = (ending: AbortSignal, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (ending.aborted) reject(new Error('the client ended'))
    ending.addEventListener('abort', () => reject(new Error('the client ended')), { signal })
  })

/** BrokenStream: the answer began as a stream, which is over without it. */
class BrokenStream extends Error {}

const brokenStream = async (client: ChaosClient, signal: AbortSignal): Promise<never> => {
  let overMs = 0
  while (overMs < brokenAfterMs) {
    // Never settles once the call is over: nobody waits for it then.
    await wait(pollMs, undefined, { signal }).catch(() => new Promise<never>(() => undefined))
    overMs = client.answer() === 'over' ? overMs + pollMs : 0
  }
  throw new BrokenStream('the stream of the answer broke')
}

/** Undelivered: the call asked the user, and what the user said got lost on its way out. A stock client does not send it again. */
class Undelivered extends Error {}

const undelivered = async (client: ChaosClient, signal: AbortSignal): Promise<never> => {
  client.undelivered()
  for (;;) {
    await wait(pollMs, undefined, { signal }).catch(() => new Promise<never>(() => undefined))
    const why = client.undelivered()
    if (why !== undefined) throw new Undelivered(`the user's answer: ${why}`)
  }
}

/** isAnswer tells an error that the server said from one of the connection. */
const isAnswer = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'

/** textOf is the text of a tool's result; one that says it is an error is thrown. */
export const textOf = (result: unknown): string => {
  const { content, isError } = result as {
    readonly content?: readonly { readonly text?: string }[]
    readonly isError?: boolean
  }
  const text = content?.map((each) => each.text ?? '').join('\n') ?? ''
  if (isError) throw new Error(`the tool failed: ${text}`)
  return text
}
