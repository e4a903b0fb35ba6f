import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '@mcp-router/testkit/random'
import { isRetrySafe, nextCall } from './call.js'
import type { Call } from './call.js'
import { backendKinds, clientKinds, connectClient } from './client.js'
import type { BackendKind, ChaosClient, ClientKind } from './client.js'
import { exchange } from './exchange.js'
import type { ToolName } from './fixture/tools.js'
import type { Hittable } from './hit.js'
import { createMemory } from './memory.js'
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
export interface Caller extends Hittable {
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
  readonly tools: readonly ToolName[]
  readonly nowMs: () => number
  /** Nobody runs who could answer what is asked of this Backend. */
  readonly isDown: (backend: BackendKind) => boolean
  readonly called: (called: Called) => void
  readonly lost: (caller: Caller, why: string) => void
}

/** So many calls in a row that come to nothing for so long, and a person would start the client anew. */
const patience = { calls: 3, ms: 5_000 } as const
const pauseMs = { least: 50, most: 400 } as const
const connectAgainMs = 250

/** createCaller makes the nth client of a run: the kinds and Backends take turns. Each of its windows has the name of the first. */
export const createCaller = (n: number, spec: CallerSpec, window = 0): Caller => {
  const kind = clientKinds[n % clientKinds.length] ?? 'v1 http'
  const backend = backendKinds[Math.floor(n / clientKinds.length) % backendKinds.length] ?? 'stdio'
  const random = createRandom(spec.seed * 1_000 + n + window * 1_000_003)
  const clientId = `chaos-${spec.seed}-${n}`
  const isModern = kind === 'v2 modern'
  const mayCall = (tool: ToolName): boolean => spec.tools.includes(tool)
  const memory = createMemory(!isModern && backend === 'http-stateful' && mayCall('recall'))
  let client: ChaosClient | undefined
  let life = new AbortController()
  let generation = 0
  let calls = 0
  let windows = 0
  let inVain = 0
  let inVainFromMs = 0

  const nextId = (): string => `${clientId}-${window}-${++calls}`
  /** call makes one call and has it noted. */
  const call = async (open: ChaosClient, next: Call): Promise<readonly [Outcome, number]> => {
    const fromMs = spec.nowMs()
    const came = await exchange(open, next, isModern, life.signal)
    const outcome = memory.judge(next, came, spec.nowMs())
    const retrySafe = isRetrySafe(next)
    spec.called({ caller, call: next, retrySafe, fromMs, toMs: spec.nowMs(), outcome })
    return [outcome, fromMs]
  }
  const connect = async (): Promise<void> => {
    // Another name, because one that begins anew is not meant to find the old conversation.
    const own = generation === 0 ? clientId : `${clientId}-${window}-${generation}`
    const connected = await connectClient(kind, { gateway: spec.gateway, backend, clientId: own })
    memory.forget()
    client = connected
  }
  const connectUntil = async (until: AbortSignal): Promise<void> => {
    inVain = 0
    for (let isOpen = false; !isOpen && !until.aborted;) {
      isOpen = await connect().then(
        () => true,
        () => false,
      )
      if (!isOpen) await wait(connectAgainMs, undefined, { signal: until }).catch(noop)
    }
  }
  const reconnect = async (why: string, until: AbortSignal): Promise<void> => {
    spec.lost(caller, why)
    const old = client
    client = undefined
    void old?.close().catch(() => undefined)
    generation++
    await connectUntil(until)
  }
  /** beginAgain is a process that ended without a word and was started again under its name: its ids begin again, too. */
  const beginAgain = async (until: AbortSignal): Promise<void> => {
    const old = client
    client = undefined
    await old?.abandon().catch(() => undefined)
    life = new AbortController()
    await connectUntil(until)
  }
  /** lossAfter tells why the session is of no use any more. */
  const lossAfter = (open: ChaosClient, outcome: Outcome, fromMs: number): string | undefined => {
    const isVain = outcome.kind === 'failed' || outcome.kind === 'hung'
    inVain = isVain && !spec.isDown(backend) ? inVain + 1 : 0
    if (inVain === 1) inVainFromMs = fromMs
    const told = open.lost()
    if (told !== undefined) return told
    if (outcome.kind === 'failed' && outcome.lost) return outcome.text
    if (isModern || inVain < patience.calls) return undefined
    const forMs = spec.nowMs() - inVainFromMs
    return forMs < patience.ms ? undefined : `${inVain} calls in vain within ${forMs} ms`
  }

  const caller: Caller = {
    name: `client ${n}${window === 0 ? '' : ` window ${window}`} (${kind}, ${backend})`,
    kind,
    backend,
    cut: () => client?.cut() ?? 0,
    cuttable: () => client?.cuttable() ?? 0,
    canListenAgain: () => client?.canListenAgain ?? false,
    listenAgain: () => client?.listenAgain(),
    hasSession: () => !isModern && client !== undefined,
    restart: () => life.abort(),
    hasName: () => kind === 'v1 sse' && window === 0,
    async openWindow(until) {
      const other = createCaller(n, spec, ++windows)
      // Whoever opens a window while Redis is away, or an instance stands still, tries again.
      for (let isOpen = false; !isOpen && !until.aborted;) {
        isOpen = await other.open().then(
          () => true,
          () => false,
        )
        if (!isOpen) await wait(connectAgainMs, undefined, { signal: until }).catch(noop)
      }
      await other.run(until)
      await other.close()
    },
    open: () =>
      connect().catch((cause: unknown) => {
        throw new Error(`connecting ${caller.name}: ${textsOf(cause)}`, { cause })
      }),
    async run(until) {
      while (!until.aborted) {
        const mix = { asksAside: !isModern && mayCall('ask-aside'), recalls: memory.isSet() }
        const drawn = nextCall(random, nextId(), mix)
        const next = mayCall(drawn.tool) ? drawn : { ...drawn, tool: spec.tools[0] ?? 'read' }
        const paused = pauseMs.least + random.below(pauseMs.most - pauseMs.least)
        if (life.signal.aborted) await beginAgain(until)
        if (client) {
          const open = client
          if (memory.wants()) {
            await call(open, { id: nextId(), tool: 'remember', delayMs: 0, steps: 0 })
          }
          const [outcome, fromMs] = await call(open, next)
          const isGivenUp = outcome.kind === 'given up'
          const loss = isGivenUp ? undefined : lossAfter(open, outcome, fromMs)
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
