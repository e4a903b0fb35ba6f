import { setTimeout as wait } from 'node:timers/promises'
import type { Fault, FaultKind } from './fault.js'
import { hitsOf } from './hit.js'
import type { Hit, Hittable } from './hit.js'
import type { Mortal } from './mortal.js'
import type { Rig } from './rig.js'
import { lengthOf } from './schedule.js'
import type { Planned } from './schedule.js'

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
  readonly clients: () => readonly Hittable[]
  readonly nowMs: () => number
  readonly complain: (text: string) => void
  readonly signal: AbortSignal
}

const startAttempts = 10

export const createInflictor = (spec: InflictorSpec): Inflictor => {
  const { rig, faults, nowMs, complain, signal } = spec
  const underWay = new Set<Promise<void>>()
  const ending = new AbortController()
  const over = AbortSignal.any([ending.signal, signal])

  /** A supervisor starts again what ended, for as long as it takes. */
  const start = async (mortal: Mortal): Promise<void> => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      const wasAway = rig.redis.state() !== 'up'
      try {
        await mortal.start()
        return
      } catch (error) {
        // An instance that cannot reach Redis ends, and is started again for as long as that lasts.
        const isExcused = mortal !== rig.redis && (wasAway || rig.redis.state() !== 'up')
        if (isExcused) attempt--
        else complain(`${mortal.name} did not start: ${String(error)}`)
        if (attempt === startAttempts) throw error
        if (mortal.pid() > 0) await mortal.kill()
      }
    }
  }
  const hits = (kind: FaultKind): readonly Hit[] =>
    hitsOf(kind, { rig, clients: spec.clients(), start, complain })

  const carryOut = async (kind: FaultKind, hit: Hit, planned: Planned): Promise<void> => {
    const lengthMs = lengthOf(kind, planned)
    const { target, excused } = hit
    const fault: Fault = { kind, target, excused, atMs: nowMs(), untilMs: undefined }
    faults.push(fault)
    await hit.act()
    if (lengthMs > 0) await wait(lengthMs, undefined, { signal: over }).catch(() => undefined)
    if (kind !== 'cluster-stop') fault.untilMs = nowMs()
    await hit.restore()
    fault.untilMs ??= nowMs()
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
