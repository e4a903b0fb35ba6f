import { setTimeout as wait } from 'node:timers/promises'
import { treeOf } from '@mcp-router/testkit/process'
import type { FaultKind } from './fault.js'
import type { Mortal } from './mortal.js'
import type { Rig, RigEndpoint } from './rig.js'

/** Hit is a target, and what to do to it; it resolves with what to do once the fault is over. */
export interface Hit {
  readonly target: string
  readonly excused: boolean
  act(): Promise<void> | void
  restore(): Promise<void>
}

/** HitContext is whom there is to hit, and how what ended is started again. */
export interface HitContext {
  readonly rig: Rig
  readonly clients: readonly Hittable[]
  readonly start: (mortal: Mortal) => Promise<void>
  readonly complain: (text: string) => void
}

/** Hittable is a client whose streams can be cut, and which can end without a word. */
export interface Hittable {
  readonly name: string
  cuttable(): number
  cut(): number
  /** It is connected, and its session is its own. */
  hasSession(): boolean
  /** Ends its process and starts it again under the same name. */
  restart(): void
  /** Its transport has a name for it, which a second window has, too. */
  hasName(): boolean
  /** Calls from a second window until told to stop, and resolves once the last call is over. */
  openWindow(until: AbortSignal): Promise<void>
  /** It can open one more stream by GET. */
  canListenAgain(): boolean
  listenAgain(): void
}

/** More than an Instance takes to finish what it holds, and then to close. */
const termMs = 38_000
/** So long is a flapping endpoint down, and so long up. */
const flapMs = 300
/** So many clients begin again while no Instance runs. */
const beginningAgain = 6

const nothing = (): Promise<void> => Promise.resolve()

/** hitsOf are all that a fault of this kind can hit now. */
export const hitsOf = (kind: FaultKind, context: HitContext): readonly Hit[] => {
  const { rig, clients, start, complain } = context
  const killed = (mortal: Mortal, excused: boolean): Hit => ({
    target: mortal.name,
    excused,
    act: () => mortal.kill(),
    restore: () => start(mortal),
  })
  const once = (target: string, act: Hit['act']): Hit => ({
    target,
    excused: false,
    act,
    restore: nothing,
  })
  switch (kind) {
    case 'instance-kill':
      return spared(rig).map((each) => killed(each, false))
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
    case 'cluster-stop':
      return rig.instances.every((each) => each.state() === 'up') ? [stopped(context)] : []
    case 'endpoint-kill':
      return replaceable(rig).map(({ process, isAlone }) => killed(process, isAlone))
    case 'endpoint-flap':
      return replaceable(rig).map((endpoint) => flapping(endpoint, context))
    case 'child-kill':
      return childrenOf(rig).map((pid) => once(`stdio child ${pid}`, () => killPid(pid)))
    case 'redis-kill':
    case 'redis-away':
      return rig.redis.state() === 'up' ? [killed(rig.redis, true)] : []
    case 'nginx-reload':
      return [once('nginx', () => rig.nginx.signal('SIGHUP'))]
    case 'cut':
      return clients
        .filter((client) => client.cuttable() > 0)
        .map((client) => once(client.name, () => void client.cut()))
    case 'client-restart':
      return clients
        .filter((client) => client.hasSession())
        .map((client) => once(client.name, () => client.restart()))
    case 'second-window':
      return clients.filter((client) => client.hasName()).map(doubled)
    case 'second-get':
      return clients
        .filter((client) => client.canListenAgain())
        .map((client) => once(client.name, () => client.listenAgain()))
  }
}

/** stopped is the whole cluster: nobody answers, and some clients begin again meanwhile. */
const stopped = ({ rig, clients, start }: HitContext): Hit => ({
  target: 'all instances',
  excused: true,
  async act() {
    await Promise.all(rig.instances.map((each) => each.kill()))
    const restarting = clients.filter((client) => client.hasSession()).slice(0, beginningAgain)
    for (const client of restarting) client.restart()
  },
  async restore() {
    await Promise.all(rig.instances.map(start))
  },
})

/** doubled lives in two windows for a while. */
const doubled = (client: Hittable): Hit => {
  const closing = new AbortController()
  let living = Promise.resolve()
  return {
    target: client.name,
    excused: false,
    act() {
      living = client.openWindow(closing.signal)
      // Whoever restores it hears of a failure.
      living.catch(() => undefined)
    },
    restore() {
      closing.abort()
      return living
    },
  }
}

const flapping = ({ process, isAlone }: RigEndpoint, { start }: HitContext): Hit => {
  let isOver = false
  let flaps = Promise.resolve()
  const flap = async (): Promise<void> => {
    while (!isOver) {
      await process.kill()
      await wait(flapMs)
      await start(process)
      await wait(flapMs)
    }
  }
  return {
    target: process.name,
    excused: isAlone,
    act() {
      flappingNow.add(process)
      flaps = flap()
      // Whoever restores it hears of a failure.
      flaps.catch(() => undefined)
    },
    async restore() {
      isOver = true
      await flaps.finally(() => flappingNow.delete(process))
    },
  }
}

/** Endpoints that flap, also while they are up. */
const flappingNow = new WeakSet<Mortal>()

/** replaceable are the endpoints whose Backend has all that it should. */
const replaceable = ({ endpoints }: Rig): readonly RigEndpoint[] => {
  const isSound = ({ process }: RigEndpoint): boolean =>
    process.state() === 'up' && !flappingNow.has(process)
  return endpoints.filter(({ backend }) =>
    endpoints.every((each) => each.backend !== backend || isSound(each)),
  )
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
