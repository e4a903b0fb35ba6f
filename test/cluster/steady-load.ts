import { setTimeout as wait } from 'node:timers/promises'
import { until } from '@mcp-router/testkit/wait'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import type { SdkClient } from '../harness/sdk/client.js'
import { connectThrough } from '../harness/sdk/connect.js'
import type { SdkWay } from '../harness/sdk/connect.js'
import { connectV1 } from '../harness/sdk/v1.js'
import { post } from '../harness/http.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { onTestFinished } from 'vitest'

/** SteadyLoad is a few clients of every kind, each of which calls again and again. */
export interface SteadyLoad {
  /** Ids of the sessions whose client tells it, with the backend that each is of. */
  readonly sessions: readonly { readonly id: string; readonly backend: string }[]
  /** Resolves once each client was answered `rounds` times more. */
  goOn(rounds: number): Promise<void>
  /** Whatever was no success, in the order in which it happened. */
  failures(): readonly string[]
  /** Lets the calls under way finish, closes the clients, and resolves with how many calls were answered. The end of the test does so too. */
  stop(): Promise<number>
}

interface Caller {
  readonly name: string
  readonly backend: string
  readonly session: string
  readonly call: () => Promise<void>
  readonly close: () => Promise<void>
  answered: number
}

/** Between two calls of a client, ms: the machine has few cores, and the load is to be steady, not high. */
const pauseMs = 25
/** Far longer than any of these calls takes: beyond it, it hangs. */
const hangMs = 20_000

const ways: readonly (readonly [SdkWay | 'named sse' | 'call', string])[] = [
  ['v1 http', 'http-stateful'],
  ['v2 http', 'http-stateful'],
  ['v2 http', 'stdio-legacy'],
  ['v1 http', 'sse'],
  ['named sse', 'http-stateful'],
  ['named sse', 'stdio-legacy'],
  ['v2 modern', 'http-modern'],
  ['v2 modern', 'stdio-legacy'],
  ['call', 'http-stateful'],
  ['call', 'stdio-legacy'],
]

/** startLoad connects to the fixture servers through the router at `base`, and has all clients call until it is stopped. */
export const startLoad = async (base: string): Promise<SteadyLoad> => {
  const failures: string[] = []
  const callers = await Promise.all(
    ways.map(([way, backend], n) => openCaller(way, base, backend, `load-${process.pid}-${n}`)),
  )
  let stopped = false
  const began = Date.now()
  const run = async (caller: Caller): Promise<void> => {
    while (!stopped) {
      await within(hangMs, caller.call()).then(
        () => caller.answered++,
        (error: unknown) =>
          failures.push(`${Date.now() - began} ms ${caller.name}: ${textOfError(error)}`),
      )
      await wait(pauseMs)
    }
  }
  const running = callers.map(run)
  const stop = async (): Promise<number> => {
    if (!stopped) {
      stopped = true
      await Promise.all(running)
      await Promise.all(callers.map(({ close }) => close().catch(() => undefined)))
    }
    return callers.reduce((sum, { answered }) => sum + answered, 0)
  }
  onTestFinished(async () => {
    await stop()
  })
  return {
    sessions: callers.flatMap(({ session: id, backend }) => (id ? [{ id, backend }] : [])),
    async goOn(rounds) {
      const before = callers.map(({ answered }) => answered)
      const isThrough = (): boolean =>
        callers.every(({ answered }, at) => answered >= (before[at] ?? 0) + rounds)
      await until(`${rounds} more rounds; so far: ${failures.join('\n')}`, isThrough, 30_000)
    },
    failures: () => failures,
    stop,
  }
}

const openCaller = async (
  way: (typeof ways)[number][0],
  base: string,
  backend: string,
  clientId: string,
): Promise<Caller> => {
  const common = { name: `${way} ${backend}`, backend, answered: 0 }
  if (way === 'call') {
    const url = `${base}/mcp/router/route/${backend}`
    const call = async (): Promise<void> => {
      const answer = await post(url, toolCall(1, 'test_simple_text'))
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
      textOf(answer.text)
    }
    return { ...common, session: '', call, close: () => Promise.resolve() }
  }
  const client = await connect(way, base, backend, clientId)
  const call = async (): Promise<void> => {
    const answer = await client.callTool({ name: 'test_simple_text', arguments: {} })
    textOf(JSON.stringify({ result: answer }))
  }
  return { ...common, session: client.session(), call, close: () => client.close() }
}

const connect = (
  way: SdkWay | 'named sse',
  base: string,
  backend: string,
  clientId: string,
): Promise<SdkClient> =>
  way === 'named sse'
    ? connectV1(new SSEClientTransport(new URL(`${base}/sse/${backend}?clientId=${clientId}`)))
    : connectThrough(way, base, backend)

/** A failed fetch tells why in its cause. */
const textOfError = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const because = error.cause === undefined ? '' : ` (${textOfError(error.cause)})`
  return `${String(error).slice(0, 300)}${because}`
}

const within = async (ms: number, work: Promise<void>): Promise<void> => {
  const over = new AbortController()
  const hung = wait(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`)
  })
  try {
    await Promise.race([work, hung])
  } finally {
    over.abort()
    hung.catch(() => undefined)
  }
}
