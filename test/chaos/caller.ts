import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '../harness/fuzz/random.js'
import { isRetrySafe, nextCall } from './call.js'
import type { Call } from './call.js'
import { backendKinds, clientKinds, connectClient } from './client.js'
import type { BackendKind, ChaosClient, ClientKind } from './client.js'
import { exchange } from './exchange.js'
import type { Cuttable } from './inflict.js'
import type { Outcome } from './outcome.js'
import { textsOf } from './outcome.js'

/** Called is one call that is over. Times are milliseconds since the start of the run. */
export interface Called {
  readonly caller: Caller
  readonly call: Call
  readonly retrySafe: boolean
  readonly fromMs: number
  readonly toMs: number
  readonly outcome: Outcome
}

/** Caller is a client that calls, pauses, and calls again. */
export interface Caller extends Cuttable {
  readonly kind: ClientKind
  readonly backend: BackendKind
  /** Resolves once it is connected. */
  open(): Promise<void>
  /** Calls until told to stop, and resolves once the last call is over. */
  run(until: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** CallerSpec: `lost` hears of each session that stopped being usable. */
export interface CallerSpec {
  readonly gateway: string
  readonly seed: number
  readonly nowMs: () => number
  readonly called: (called: Called) => void
  readonly lost: (caller: Caller, why: string) => void
}

/** So many calls in a row that come to nothing for so long, and a person would start the client anew. */
const patience = { calls: 3, ms: 5_000 } as const
const pauseMs = { least: 50, most: 400 } as const
const connectAgainMs = 250

/** createCaller makes the nth client of a run: the kinds and Backends take turns. */
export const createCaller = (n: number, spec: CallerSpec): Caller => {
  const kind = clientKinds[n % clientKinds.length] ?? 'v1 http'
  const backend = backendKinds[Math.floor(n / clientKinds.length) % backendKinds.length] ?? 'stdio'
  const random = createRandom(spec.seed * 1_000 + n)
  const clientId = `chaos-${spec.seed}-${n}`
  let client: ChaosClient | undefined
  let generation = 0
  let calls = 0
  let inVain = 0
  let inVainFromMs = 0

  const connect = async (): Promise<void> => {
    // Another name, because one that begins anew is not meant to find the old conversation.
    const own = generation === 0 ? clientId : `${clientId}-${generation}`
    client = await connectClient(kind, { gateway: spec.gateway, backend, clientId: own })
  }
  const reconnect = async (why: string, until: AbortSignal): Promise<void> => {
    spec.lost(caller, why)
    const old = client
    client = undefined
    void old?.close().catch(() => undefined)
    generation++
    inVain = 0
    for (let isOpen = false; !isOpen && !until.aborted;) {
      isOpen = await connect().then(
        () => true,
        () => false,
      )
      if (!isOpen) await wait(connectAgainMs, undefined, { signal: until }).catch(noop)
    }
  }
  /** lossAfter tells why the session is of no use any more. */
  const lossAfter = (open: ChaosClient, outcome: Outcome, fromMs: number): string | undefined => {
    inVain = outcome.kind === 'failed' || outcome.kind === 'hung' ? inVain + 1 : 0
    if (inVain === 1) inVainFromMs = fromMs
    const told = open.lost()
    if (told !== undefined) return told
    if (outcome.kind === 'failed' && outcome.lost) return outcome.text
    if (kind === 'v2 modern' || inVain < patience.calls) return undefined
    const forMs = spec.nowMs() - inVainFromMs
    return forMs < patience.ms ? undefined : `${inVain} calls in vain within ${forMs} ms`
  }

  const caller: Caller = {
    name: `client ${n} (${kind}, ${backend})`,
    kind,
    backend,
    cut: () => client?.cut() ?? 0,
    cuttable: () => client?.cuttable() ?? 0,
    open: () =>
      connect().catch((cause: unknown) => {
        throw new Error(`connecting ${caller.name}: ${textsOf(cause)}`, { cause })
      }),
    async run(until) {
      while (!until.aborted) {
        const call = nextCall(random, `${clientId}-${++calls}`)
        const paused = pauseMs.least + random.below(pauseMs.most - pauseMs.least)
        if (client) {
          const open = client
          const fromMs = spec.nowMs()
          const outcome = await exchange(open, call, kind === 'v2 modern')
          const toMs = spec.nowMs()
          spec.called({ caller, call, retrySafe: isRetrySafe(call), fromMs, toMs, outcome })
          const loss = lossAfter(open, outcome, fromMs)
          if (loss !== undefined) await reconnect(loss, until)
        }
        await wait(paused, undefined, { signal: until }).catch(noop)
      }
    },
    close: async () => client?.close(),
  }
  return caller
}

const noop = (): undefined => undefined
