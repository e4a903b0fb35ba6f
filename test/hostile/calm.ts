import { setTimeout as wait } from 'node:timers/promises'
import { openClient } from './clients.js'
import type { Client } from './clients.js'
import type { Heard, Line } from './exchange.js'
import { shownHeard } from './judge.js'
import type { Fault } from './judge.js'
import type { ClientKind } from './step.js'

const calmServers = ['calm', 'calm-sse', 'calm-stdio'] as const

/** Between two calls of one caller: those that are watched over need the machine. */
const pauseMs = 40

let calls = 0

/** callCalmly makes one call of a server that behaves, and says what is wrong with the answer. */
export const callCalmly = async (client: Client): Promise<Fault | undefined> => {
  const nonce = `calm~${++calls}~`
  const params = { name: 'look', arguments: { nonce } }
  const kind = 'a call of the calm server'
  try {
    const heard = await client.send({ id: `c${calls}`, method: 'tools/call', params })
    if (isRight(heard, nonce)) return undefined
    return { kind, text: shownHeard(heard) }
  } catch (error) {
    return { kind, text: String(error) }
  }
}

const isRight = ({ status, messages }: Heard, nonce: string): boolean =>
  status === 200 && messages.length === 1 && textOf(messages[0] ?? '') === `sound ${nonce}`

const textOf = (message: string): unknown => {
  try {
    const { result } = JSON.parse(message) as { result?: { content?: { text?: string }[] } }
    return result?.content?.[0]?.text
  } catch {
    return undefined
  }
}

/** CalmCallers call servers that behave, one after the other, for as long as a run lasts. */
export interface CalmCallers {
  /** Resolves with how often they called. */
  stop(): Promise<number>
}

/** openCalmCallers has one caller of each kind at each calm server. */
export const openCalmCallers = async (
  line: Line,
  add: (fault: Fault) => void,
): Promise<CalmCallers> => {
  const stopping = new AbortController()
  const kinds: readonly ClientKind[] = ['route', 'http', 'sse', 'modern']
  const pairs = kinds.flatMap((kind) => calmServers.map((server) => ({ kind, server })))
  let count = 0
  const runs = await Promise.all(
    pairs.map(async ({ kind, server }) => {
      let client = await openClient(kind, line, server)
      return async (): Promise<void> => {
        while (!stopping.signal.aborted) {
          const fault = await callCalmly(client)
          count++
          if (fault) {
            add({ ...fault, text: `${kind} → ${server}: ${fault.text}` })
            await client.close().catch(() => undefined)
            client = await openClient(kind, line, server).catch(() => client)
          }
          await wait(pauseMs * pairs.length, undefined, { signal: stopping.signal }).catch(() => 0)
        }
        await client.close().catch(() => undefined)
      }
    }),
  )
  const over = Promise.all(runs.map((each) => each()))
  return {
    async stop() {
      stopping.abort()
      await over
      return count
    },
  }
}
