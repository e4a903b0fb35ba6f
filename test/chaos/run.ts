import { setMaxListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { createCaller } from './caller.js'
import type { Caller } from './caller.js'
import type { BackendKind } from './client.js'
import { causesOf, causeText } from './causes.js'
import { faultText, isDown } from './fault.js'
import type { Fault } from './fault.js'
import { createInflictor } from './inflict.js'
import type { Inflictor } from './inflict.js'
import type { Mortals } from './mortal.js'
import type { Options } from './options.js'
import { reportOf, writeReport } from './report.js'
import { openRig } from './rig.js'
import type { Rig } from './rig.js'
import { planFaults } from './schedule.js'
import { recoveriesOf, slowestOf } from './recovery.js'
import type { Begun } from './recovery.js'
import { tableOf } from './table.js'
import { figuresOf, neverRan, unknownWithoutCause } from './tally.js'
import type { Happened } from './tally.js'
import { verdictOf } from './verdict.js'
import { callText, openWatch } from './watch.js'
import type { Watch } from './watch.js'

/** Chaos is what a run needs from outside: its processes are added to `mortals`, which are ended by the caller. */
export interface Chaos {
  readonly options: Options
  readonly mortals: Mortals
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

/** Once all is back, callers go on for so long: what the last faults broke must work again. */
const calmMs = 3_000
const progressMs = 10_000
const printedCauses = 15
const printedCalls = 5
/** A recovery that takes longer is told of. */
const slowMs = 1_000

/** runChaos drives a cluster through the schedule and returns the exit code. It ends all that it started. */
export const runChaos = async (chaos: Chaos): Promise<number> => {
  const { options, mortals, signal, print } = chaos
  print(`seed ${options.seed} (npm run chaos -- --replay ${options.seed})`)
  const rig = await openRig(options.runDir, options.cli, mortals)
  print(`cluster at ${rig.gateway}, logs in ${options.runDir}/logs`)

  const startedAt = new Date()
  const began = performance.now()
  const nowMs = (): number => Math.round(performance.now() - began)
  const faults: Fault[] = []
  const watch = openWatch({ nowMs, print, faults })
  const callers = createCallers(options, rig, nowMs, watch, (backend) => isDown(faults, backend))
  await Promise.all(callers.map((caller) => caller.open()))
  print(`${callers.length} clients connected after ${nowMs()} ms`)
  const { complain } = watch
  const inflictor = createInflictor({
    rig,
    faults,
    clients: () => callers,
    nowMs,
    complain,
    signal,
  })

  await drive(chaos, callers, inflictor, watch)
  await Promise.all(callers.map((caller) => caller.close().catch(() => undefined)))
  for (const complaint of await mortals.close()) complain(complaint)
  const ran = await linesOf(rig.ledger)
  const begun = begunOf(await linesOf(`${rig.ledger}.begun`), startedAt)
  const { calls, losses } = watch
  return judge(chaos, startedAt, { calls, losses, faults, ran, begun }, watch)
}

const linesOf = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')

/** begunOf reads when each call began to run, ms since the start. */
const begunOf = (lines: readonly string[], startedAt: Date): Begun => {
  const begun = new Map<string, number[]>()
  for (const line of lines) {
    const [id = '', at] = line.split(' ')
    begun.set(id, [...(begun.get(id) ?? []), Number(at) - startedAt.getTime()])
  }
  return begun
}

const createCallers = (
  { clients, seed, tools }: Options,
  { gateway }: Rig,
  nowMs: () => number,
  { called, lost }: Watch,
  isDown: (backend: BackendKind) => boolean,
): readonly Caller[] =>
  Array.from({ length: clients }, (_, n) =>
    createCaller(n, { gateway, seed, tools, nowMs, isDown, called, lost }),
  )

const drive = async (
  { options, signal, print }: Chaos,
  callers: readonly Caller[],
  inflictor: Inflictor,
  watch: Watch,
): Promise<void> => {
  const calling = new AbortController()
  const until = AbortSignal.any([calling.signal, signal])
  // One for each caller, and none of them is forgotten.
  setMaxListeners(0, until)
  const running = Promise.all(callers.map((caller) => caller.run(until)))
  const progress = setInterval(() => print(watch.progress()), progressMs)
  try {
    const began = performance.now()
    const due = (ms: number): Promise<void> =>
      wait(Math.max(0, began + ms - performance.now()), undefined, { signal })
    for (const planned of planFaults(options.seed, options.faults, options)) {
      await due(planned.dueMs)
      inflictor.inflict(planned)
    }
    await due(options.seconds * 1000)
    await inflictor.heal()
    await wait(calmMs, undefined, { signal })
    calling.abort()
    await running
  } finally {
    clearInterval(progress)
    calling.abort()
  }
  print(watch.progress())
}

const judge = async (
  { options, print }: Chaos,
  startedAt: Date,
  happened: Happened,
  { complaints }: Watch,
): Promise<number> => {
  const figures = figuresOf(happened)
  const all = figures.at(-1)
  if (!all) throw new Error('there is always a sum')
  const [unrun, uncaused] = [neverRan(happened), unknownWithoutCause(happened)]
  for (const called of unrun.slice(0, printedCalls))
    print(`  ! not in the ledger: ${callText(called)}`)
  for (const called of uncaused.slice(0, printedCalls))
    print(`  ! without a kill: ${callText(called)}`)
  const targets = verdictOf(all, { unrun, uncaused }, complaints)
  print(`\n${tableOf(figures)}\n`)
  for (const { passed, text } of targets) print(`${passed ? 'pass' : 'MISS'}  ${text}`)
  const slowest = slowestOf(
    recoveriesOf(happened.calls, happened.faults, happened.begun),
    printedCalls,
  )
  for (const { waitMs, fault, good } of slowest)
    if (waitMs > slowMs) print(`  ${waitMs} ms behind ${faultText(fault)}: ${callText(good)}`)
  const causes = causesOf(happened.calls)
  if (causes.length > 0) print(`\n${causes.slice(0, printedCauses).map(causeText).join('\n')}`)
  const judged = { figures, targets, complaints, causes }
  if (options.json !== undefined) {
    await writeReport(options.json, reportOf(startedAt, options, happened, judged))
    print(`figures: ${options.json}`)
  }
  return targets.every(({ passed }) => passed) ? 0 : 1
}
