import type { Bench } from './bench.js'
import type { Driver } from './driver.js'
import { type CallFigures, callFigures, type Measured } from './figures.js'
import { measure, type Round } from './measure.js'
import type { Options } from './options.js'
import type { Rig } from './rig.js'
import type { CallRow } from './rows.js'
import type { Traffic } from './traffic.js'

/** driveRounds drives the rows in turn, round after round, so that a noisy minute falls on all of them. */
export const driveRounds = async (
  rig: Rig,
  driver: Driver,
  chosen: readonly CallRow[],
  { options, signal, print }: Pick<Bench, 'options' | 'signal' | 'print'>,
): Promise<readonly CallFigures[]> => {
  const lanes = chosen.map((row) => new Lane(rig, driver, row, options))
  for (let n = 1; n <= options.rounds; n += 1) {
    for (const lane of lanes) {
      signal.throwIfAborted()
      print(`round ${n}/${options.rounds}  ${await lane.drive()}`)
    }
  }
  for (const lane of lanes) await lane.close()
  const measured = lanes.map((lane) => lane.measured())
  return measured.flatMap((one) => {
    const baseline = measured.find((other) => other.row.name === one.row.baseline)
    return baseline ? [callFigures(one, baseline)] : []
  })
}

/** Lane is one row across the rounds; its sessions stay open from the first to the last. */
class Lane {
  readonly #rig: Rig
  readonly #driver: Driver
  readonly #row: CallRow
  readonly #options: Options
  readonly #rounds: (Round | undefined)[] = []
  readonly #complaints: string[] = []
  #traffic: Traffic | undefined

  constructor(rig: Rig, driver: Driver, row: CallRow, options: Options) {
    this.#rig = rig
    this.#driver = driver
    this.#row = row
    this.#options = options
  }

  /** drive runs one round and returns a line about it; what goes wrong is a complaint about the row, not the end of the run. */
  async drive(): Promise<string> {
    const name = this.#row.name.padEnd(18)
    try {
      const round = await this.#round()
      this.#rounds.push(round)
      return name + lineAbout(round)
    } catch (error) {
      this.#rounds.push(undefined)
      const complaint = await this.#cause(error)
      this.#complaints.push(complaint)
      return `${name}failed: ${complaint}`
    }
  }

  measured(): Measured {
    return { row: this.#row, rounds: this.#rounds, complaints: this.#complaints }
  }

  async close(): Promise<void> {
    await this.#traffic?.close().catch((error: unknown) => {
      this.#complaints.push(`closing its sessions: ${String(error)}`)
    })
  }

  /** A process that has ended explains more than the refused connection it left behind. */
  async #cause(error: unknown): Promise<string> {
    try {
      const children = this.#rig.proxies.get(this.#row.via)?.children ?? []
      for (const child of children) await child.assertRunning()
      return reasonOf(error)
    } catch (dead) {
      return reasonOf(dead)
    }
  }

  async #round(): Promise<Round> {
    const proxy = this.#rig.proxies.get(this.#row.via)
    if (!proxy) throw new Error(`${this.#row.via} was not started`)
    this.#traffic ??= await this.#row.open(proxy.base)
    return measure(this.#rig, this.#driver, proxy, this.#traffic, this.#options)
  }
}

/** fetch tells no more than that it failed; its cause does. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

const lineAbout = (round: Round): string => {
  const cpu = Object.entries(round.cpuUs).map(([name, us]) => `${name} ${us.toFixed(1)} µs`)
  const failed = Object.entries(round.failures).map(([kind, count]) => `${count} ${kind} errors`)
  const wrong = [...failed, ...round.complaints].map((text) => `  ! ${text}`)
  return `${Math.round(round.perSecond)} calls/s, CPU per call ${cpu.join(' + ')}${wrong.join('')}`
}
