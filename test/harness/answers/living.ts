import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '@mcp-router/testkit/random'
import type { Judge } from './judge.js'
import { openWindow } from './window.js'
import type { Call, Window, WindowKind, WindowSpec } from './window.js'

/** LivingSpec is one client: `name` is the same in all of its windows, and in all of its lives. */
export interface LivingSpec {
  readonly gateway: string
  readonly server: string
  readonly revision: WindowKind
  readonly name: string
  readonly random: Random
  readonly judge: Judge
}

/** A call that is not answered in time is given up, and with it the window: its id could come back. */
const patienceMs = 20_000
const waits = [0, 0, 50, 300, 600, 1_500] as const

/** live calls, cancels, restarts and opens second windows at random until told to stop. */
export const live = async (spec: LivingSpec, over: AbortSignal): Promise<void> => {
  const { random, judge } = spec
  // Scripts use one id for every call, and programs count from the same number in each of their lives.
  const isCounting = random.chance(0.5)
  const hasBatches = spec.revision !== '2025-11-25'
  let windows = 0
  const open = async (): Promise<Life> => {
    const { name } = spec
    const title = `${name} #${++windows} (${spec.revision}, ${spec.server})`
    const window: WindowSpec = { ...spec, title }
    return createLife(await openWindow(window, over), judge, random, isCounting)
  }
  let life = await open()
  while (!over.aborted) {
    const action = random.below(100)
    if (action < 12) {
      void life.call(1)
      await wait(random.pick([0, 20, 200]))
      life.window.abandon()
      life = await open()
    } else if (action < 20 && hasBatches) {
      if (!(await life.call(2 + random.below(3), 'batch'))) life = await open()
    } else if (action < 26) {
      if (!(await life.cancelled())) life = await open()
    } else if (action < 31) {
      const second = await open()
      await Promise.all([life, second].map((each) => each.call(1)))
      second.window.abandon()
    } else {
      const isServed = await life.call(isCounting ? 1 + random.below(3) : 1)
      if (!isServed) {
        life.window.abandon()
        life = await open()
      }
    }
    await wait(random.below(150))
  }
  life.window.abandon()
}

interface Life {
  readonly window: Window
  /** Makes some calls at once; false: one of them was not answered in time. */
  call(count: number, how?: 'batch'): Promise<boolean>
  /** Cancels a call under way; its id is not used again. */
  cancelled(): Promise<boolean>
}

const createLife = (window: Window, judge: Judge, random: Random, isCounting: boolean): Life => {
  let last = 0
  const next = (): Call => ({
    id: isCounting ? ++last : 1,
    nonce: judge.nonce(),
    ms: random.pick([...waits]),
  })
  const inTime = async (calls: readonly Promise<unknown>[]): Promise<boolean> => {
    const late = new AbortController()
    const patience = wait(patienceMs, false, { signal: late.signal }).catch(() => false)
    const isServed = await Promise.race([Promise.all(calls).then(() => true), patience])
    late.abort()
    return isServed
  }
  return {
    window,
    call(count, how) {
      if (how === 'batch') {
        const batch = Array.from({ length: count }, (_, n) => ({
          ...next(),
          id: `b${++last}-${n}`,
        }))
        return inTime([window.call(...batch)])
      }
      return inTime(Array.from({ length: count }, () => window.call(next())))
    },
    async cancelled() {
      const call = { ...next(), id: `cancelled-${judge.nonce()}`, ms: 600 }
      void window.call(call)
      await wait(100)
      window.cancel(call.id)
      return inTime([window.call(next())])
    },
  }
}
