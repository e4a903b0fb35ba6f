import { setTimeout as wait } from 'node:timers/promises'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { onTestFinished } from 'vitest'
import { post } from '../../harness/http.js'
import { textOf, toolCall } from '../../harness/rpc.js'
import type { ToolCall } from '../../harness/sdk/client.js'
import { connectV1 } from '../../harness/sdk/v1.js'
import { until } from '@mcp-router/testkit/wait'

/** Load is official clients that call again and again, behind a listening server and behind a command. */
export interface Load {
  /** Resolves once each client was answered `rounds` times more. */
  goOn(rounds: number): Promise<void>
  /** Whatever was no success. */
  failures(): readonly string[]
  /** Lets the calls under way finish and resolves with how many were answered. */
  stop(): Promise<number>
}

interface Caller {
  readonly name: string
  call(): Promise<unknown>
  close(): Promise<void>
  answered: number
}

const pauseMs = 25
/** It does not say that it may run twice: were its server ended under it, the client would get "outcome unknown". */
const work: ToolCall = { name: 'work', arguments: { ms: 400 } }
const echo = (argument: string): ToolCall => ({ name: 'echo', arguments: { [argument]: 'here' } })

/** startLoad connects clients through the router at `base`, and has them call until it is stopped; the end of the test stops it, too. */
export const startLoad = async (base: string, token?: string): Promise<Load> => {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const route = (backend: string, { name, arguments: args }: ToolCall): Caller => ({
    name: `call ${backend}`,
    answered: 0,
    async call() {
      const url = `${base}/mcp/router/route/${backend}`
      const { status, text } = await post(url, toolCall(1, name, args), headers)
      if (status !== 200) throw new Error(`${status} ${text}`)
      textOf(text)
    },
    close: () => Promise.resolve(),
  })
  const session = async (way: 'mcp' | 'sse', backend: string, tool: ToolCall): Promise<Caller> => {
    const url = new URL(`${base}/${way}/${backend}`)
    const options = { requestInit: { headers } }
    const transport =
      way === 'mcp'
        ? new StreamableHTTPClientTransport(url, options)
        : new SSEClientTransport(url, options)
    const client = await connectV1(transport)
    return {
      name: `${way} ${backend}`,
      answered: 0,
      async call() {
        textOf(JSON.stringify({ result: await client.callTool(tool) }))
      },
      close: () => client.close(),
    }
  }
  const callers = await Promise.all([
    Promise.resolve(route('example', echo('text'))),
    Promise.resolve(route('everything', echo('message'))),
    session('mcp', 'example', echo('text')),
    session('mcp', 'worker', work),
    session('mcp', 'worker', work),
    session('sse', 'everything', echo('message')),
  ])
  const failures: string[] = []
  let stopped = false
  const began = Date.now()
  const run = async (caller: Caller): Promise<void> => {
    while (!stopped) {
      await caller.call().then(
        () => caller.answered++,
        (error: unknown) =>
          failures.push(`${Date.now() - began} ms ${caller.name}: ${String(error).slice(0, 300)}`),
      )
      await wait(pauseMs)
    }
  }
  const running = callers.map(run)
  const stop = async (): Promise<number> => {
    stopped = true
    await Promise.all(running)
    await Promise.all(callers.map((each) => each.close().catch(() => undefined)))
    return callers.reduce((sum, { answered }) => sum + answered, 0)
  }
  onTestFinished(async () => {
    await stop()
  })
  return {
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
