import { Agent } from 'node:http'
import { callCalmly, openCalmCallers } from './calm.js'
import { openClient, Refused } from './clients.js'
import type { Client } from './clients.js'
import { Late } from './exchange.js'
import type { Line } from './exchange.js'
import { faultsOf } from './judge.js'
import type { Fault } from './judge.js'
import { stepAt } from './step.js'
import type { Step } from './step.js'
import type { Vitals } from './vitals.js'

/** DriveSpec is one run; `limitMs` ends it early. */
export interface DriveSpec {
  readonly base: string
  readonly seed: number
  readonly from: number
  readonly steps: number
  readonly firsts: number
  /** Steps under way at once. */
  readonly atOnce: number
  readonly limitMs: number
  readonly vitals: Vitals
}

/** Driven is what came of a run. */
export interface Driven {
  readonly steps: number
  readonly calmCalls: number
  /** By kind, with the step that each happened in. */
  readonly faults: readonly (Fault & { readonly step: string })[]
}

/** The deadline of a server and what the router may need beside it on a busy machine. */
const boundMs = 9_000
/** Several handshakes, each for as long as the instances' MCP_OPEN_TIMEOUT_MS allows. */
const openMs = 40_000
const usesOfASession = 12
const shownFaults = 200
const memoryMiB = 700

/** drive has clients of all kinds ask hostile servers, step by step, and judges all that they hear. */
export const drive = async (spec: DriveSpec): Promise<Driven> => {
  const faults: (Fault & { readonly step: string })[] = []
  const underWay = new Map<number, Step>()
  const add = (fault: Fault, step = 'beside'): void => {
    if (faults.length < shownFaults) faults.push({ ...fault, step })
  }
  const endMs = Date.now() + spec.limitMs
  const lineOf = (agent: Agent, ms = boundMs): Line => ({
    base: spec.base,
    boundMs: ms,
    openMs,
    agent,
  })
  const calmAgent = new Agent({ keepAlive: true })
  const calm = await openCalmCallers(lineOf(calmAgent, 20_000), add)
  let isBig = false
  const look = setInterval(() => {
    const now = [...underWay.values()].map(shownStep).join(' · ')
    for (const lost of spec.vitals.losses()) add({ kind: 'an instance ended', text: lost }, now)
    const [big] = isBig ? [] : spec.vitals.above(memoryMiB)
    if (big === undefined) return
    isBig = true
    add({ kind: 'memory', text: big }, now)
  }, 250)

  let next = spec.from
  const work = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const line = lineOf(agent)
    const beside = await openClient('route', lineOf(agent, 20_000), 'calm')
    const kept = createKept(line)
    while (next < spec.from + spec.steps && Date.now() < endMs && faults.length < shownFaults) {
      const n = next++
      const step = stepAt(spec.seed, n, spec.firsts)
      underWay.set(n, step)
      for (const fault of await carryOut(step, kept)) add(fault, shownStep(step))
      underWay.delete(n)
      // Over the connection that the odd answer came by, if it is still there.
      const fault = n % 3 === 0 ? await callCalmly(beside) : undefined
      if (fault) add({ ...fault, kind: `${fault.kind}, next` }, shownStep(step))
    }
    await kept.close()
    agent.destroy()
  }
  await Promise.all(Array.from({ length: spec.atOnce }, work))
  clearInterval(look)
  const calmCalls = await calm.stop()
  calmAgent.destroy()
  for (const lost of spec.vitals.losses()) add({ kind: 'an instance ended', text: lost })
  return { steps: next - spec.from, calmCalls, faults }
}

/** shownStep names a step so that it can be repeated. */
export const shownStep = ({ n, id, client, server, method, params }: Step): string =>
  `step ${n} (${id}): ${client} → ${server} ${method} ${JSON.stringify(params['name'] ?? '')}`

/** Kept are the clients of one worker: a session is used for a while, by no other worker. */
interface Kept {
  use(step: Step): Promise<{ readonly client: Client; readonly own: ReadonlySet<number> }>
  drop(step: Step): Promise<void>
  close(): Promise<void>
}

const createKept = (line: Line): Kept => {
  const all = new Map<string, { readonly client: Client; readonly own: Set<number> }>()
  const keyOf = ({ client, server }: Step): string => `${client} ${server}`
  const drop = async (step: Step): Promise<void> => {
    const found = all.get(keyOf(step))
    all.delete(keyOf(step))
    await found?.client.close().catch(() => undefined)
  }
  return {
    drop,
    async use(step) {
      if ((all.get(keyOf(step))?.own.size ?? 0) >= usesOfASession) await drop(step)
      const isGet = step.method === 'GET'
      if (isGet) await drop(step)
      const opening = isGet ? step.params : undefined
      const bounded = step.isFirst ? { ...line, boundMs: openMs } : line
      const found = all.get(keyOf(step)) ?? {
        client: await openClient(step.client, bounded, step.server, opening),
        own: new Set<number>(),
      }
      all.set(keyOf(step), found)
      found.own.add(step.n)
      return found
    },
    async close() {
      await Promise.all(
        [...all.values()].map(({ client }) => client.close().catch(() => undefined)),
      )
    },
  }
}

const carryOut = async (step: Step, kept: Kept): Promise<readonly Fault[]> => {
  const began = Date.now()
  try {
    const { client, own } = await kept.use(step)
    const heard = await client.send(step)
    const isStateless = step.client === 'route' || step.client === 'modern'
    const faults = faultsOf(step, heard, isStateless ? new Set([step.n]) : own)
    if (heard.status === 404 || step.method === 'GET' || faults.length > 0) await kept.drop(step)
    return faults
  } catch (error) {
    await kept.drop(step)
    const text = `${String(error)} (${Date.now() - began} ms)`
    if (error instanceof Refused && hasOddOpening(step)) return []
    return [{ kind: error instanceof Late ? 'a hang' : 'no answer', text }]
  }
}

/** Whoever opens a session for its standing stream is answered soundly over Streamable HTTP alone. */
const hasOddOpening = ({ isFirst, method, server }: Step): boolean =>
  isFirst || (method === 'GET' && server !== 'http' && server !== 'https')
