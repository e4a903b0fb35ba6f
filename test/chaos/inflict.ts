import { setTimeout as wait } from 'node:timers/promises'
import { treeOf } from '../harness/processes.js'
import type { Fault, FaultKind } from './fault.js'
import type { Mortal } from './mortal.js'
import type { Rig } from './rig.js'
import { lengthOf } from './schedule.js'
import type { Planned } from './schedule.js'

/** Cuttable is a client whose streams can be cut. */
export interface Cuttable {
  readonly name: string
  cuttable(): number
  cut(): number
}

/** Inflictor does to a cluster what the schedule says, and brings back what it took away. */
export interface Inflictor {
  inflict(planned: Planned): void
  /** Ends what is still under way, and resolves once all that was taken away is back. */
  heal(): Promise<void>
}

/** InflictorSpec: `faults` is added to, `nowMs` counts from the start of the run, `complain` hears of what should not be. */
export interface InflictorSpec {
  readonly rig: Rig
  readonly faults: Fault[]
  readonly clients: () => readonly Cuttable[]
  readonly nowMs: () => number
  readonly complain: (text: string) => void
  readonly signal: AbortSignal
}

/** More than an Instance takes to finish what it holds, and then to close. */
const termMs = 38_000
const startAttempts = 10

/** Hit is a target, and what to do to it; it resolves with what to do once the fault is over. */
interface Hit {
  readonly target: string
  readonly excused: boolean
  act(): Promise<void> | void
  restore(): Promise<void>
}

export const createInflictor = (spec: InflictorSpec): Inflictor => {
  const { rig, faults, nowMs, complain, signal } = spec
  const underWay = new Set<Promise<void>>()
  const ending = new AbortController()
  const over = AbortSignal.any([ending.signal, signal])

  /** A supervisor starts again what ended, for as long as it takes. */
  const start = async (mortal: Mortal): Promise<void> => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await mortal.start()
        return
      } catch (error) {
        complain(`${mortal.name} did not start: ${String(error)}`)
        if (attempt === startAttempts) throw error
        if (mortal.pid() > 0) await mortal.kill()
      }
    }
  }
  const killed = (mortal: Mortal, target: string, excused: boolean): Hit => ({
    target,
    excused,
    act: () => mortal.kill(),
    restore: () => start(mortal),
  })
  const nothing = (): Promise<void> => Promise.resolve()

  const hits = (kind: FaultKind): readonly Hit[] => {
    switch (kind) {
      case 'instance-kill':
        return spared(rig).map((each) => killed(each, each.name, false))
      case 'instance-stop':
        return spared(rig).map((each) => ({
          target: each.name,
          excused: true,
          act: () => each.freeze(),
          async restore() {
            each.thaw()
          },
        }))
      case 'instance-term':
        return spared(rig).map((each) => ({
          target: each.name,
          excused: false,
          async act() {
            if ((await each.term(termMs)) === 'killed')
              complain(`${each.name} did not end within ${termMs} ms of SIGTERM`)
          },
          restore: () => start(each),
        }))
      case 'endpoint-kill':
        return rig.endpoints
          .filter(({ backend }) =>
            rig.endpoints.every(
              (each) => each.backend !== backend || each.process.state() === 'up',
            ),
          )
          .map(({ process, isAlone }) => killed(process, process.name, isAlone))
      case 'child-kill':
        return childrenOf(rig).map((pid) => ({
          target: `stdio child ${pid}`,
          excused: false,
          act: () => killPid(pid),
          restore: nothing,
        }))
      case 'redis-kill':
        return rig.redis.state() === 'up' ? [killed(rig.redis, 'redis', true)] : []
      case 'nginx-reload':
        return [
          {
            target: 'nginx',
            excused: false,
            act: () => rig.nginx.signal('SIGHUP'),
            restore: nothing,
          },
        ]
      case 'cut':
        return spec
          .clients()
          .filter((client) => client.cuttable() > 0)
          .map((client) => ({
            target: client.name,
            excused: false,
            act: () => void client.cut(),
            restore: nothing,
          }))
    }
  }

  const carryOut = async (kind: FaultKind, hit: Hit, planned: Planned): Promise<void> => {
    const lengthMs = lengthOf(kind, planned)
    const { target, excused } = hit
    const fault: Fault = { kind, target, excused, atMs: nowMs(), untilMs: undefined }
    faults.push(fault)
    await hit.act()
    if (lengthMs > 0) await wait(lengthMs, undefined, { signal: over }).catch(() => undefined)
    fault.untilMs = nowMs()
    await hit.restore()
  }

  return {
    inflict(planned) {
      for (const kind of planned.kinds) {
        const possible = hits(kind)
        const hit = possible[Math.floor(planned.which * possible.length)]
        if (!hit) continue
        const one: Promise<void> = carryOut(kind, hit, planned)
          .catch((error: unknown) => {
            if (!signal.aborted) complain(`${kind} ${hit.target}: ${String(error)}`)
          })
          .finally(() => underWay.delete(one))
        underWay.add(one)
        return
      }
    },
    async heal() {
      ending.abort()
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

/** spared are the Instances that can be hit: one that answers is always left. */
const spared = ({ instances }: Rig): readonly Mortal[] => {
  const up = instances.filter((each) => each.state() === 'up')
  return up.length > 1 ? up : []
}

/** childrenOf are the stdio servers that the Instances run. */
const childrenOf = ({ instances, childMark }: Rig): readonly number[] => {
  const pids = instances.map((each) => each.pid()).filter((pid) => pid > 0)
  return treeOf(pids)
    .filter(({ command }) => command.includes(childMark))
    .map(({ pid }) => pid)
}

const killPid = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
