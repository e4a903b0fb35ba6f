import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchInstance } from './instance.js'
import type { Rig } from './rig.js'
import type { StreamRow } from './rows.js'
import { openStreams } from './stream-clients.js'
import { openFilesOf, usageOf } from './usage.js'

/** StreamFigures is what holding idle streams cost one instance. */
export interface StreamFigures {
  readonly row: string
  readonly about: string
  readonly wanted: number
  /** How many were held: fewer than wanted where the limit on open files is too low. */
  readonly streams: number
  readonly rssBeforeBytes: number
  readonly rssHeldBytes: number
  readonly rssAfterBytes: number
  readonly bytesEach: number
  readonly maxBytesEach: number
  /** Open files of the instance for each stream: 1, or 2 where each has a connection to the backend. */
  readonly filesEach: number
  /** Open files of the instance more than before the streams, after they were closed. */
  readonly filesLeft: number
  readonly errors: number
  readonly complaints: readonly string[]
}

/** Few, because what they leave in the heap the held ones need not ask for. */
const warmStreams = 50
/** Long enough for a keep-alive comment (every 15 s) to have passed down each stream. */
const heldSeconds = 20
const goneWithinMs = 20_000
/** Pooled connections to the backend may stay. */
const filesAllowed = 100

/** holdStreams opens `wanted` idle streams on a fresh instance, weighs them, closes them and waits until they are gone. */
export const holdStreams = async (
  rig: Rig,
  row: StreamRow,
  wanted: number,
  print: (line: string) => void,
): Promise<StreamFigures> => {
  const count = withinFileLimit(wanted)
  if (count < wanted)
    print(`${row.name}  the hard limit on open files allows only ${count} streams`)
  const instance = await rig.startInstance(row.name)
  const { pid } = instance.child
  // The first streams load code and grow the heap: that is not what an idle stream costs.
  await (await openStreams(instance.base, row.path, Math.min(warmStreams, count))).close()
  const before = await settledRss(pid)
  const filesBefore = await openFilesOf(pid)
  print(`${row.name}  ${mib(before)} before; opening ${count} streams`)
  const streams = await openStreams(instance.base, row.path, count)
  const held = await settledRss(pid, heldSeconds)
  print(`${row.name}  ${mib(held)} with ${count} streams held; closing them`)
  const dropped = streams.dropped()
  const filesHeld = await openFilesOf(pid)
  await streams.close()
  const filesLeft = (await filesOnceGone(instance, filesBefore)) - filesBefore
  const after = await settledRss(pid)
  await instance.child.assertRunning()
  await instance.child.stop()
  const complaints = [
    ...(dropped > 0 ? [`${dropped} streams were closed by the instance while held`] : []),
    ...(filesLeft > filesAllowed ? [`${filesLeft} connections are still open after closing`] : []),
  ]
  print(`${row.name}  ${mib(after)} afterwards, ${filesLeft} more open files than before`)
  return {
    row: row.name,
    about: row.about,
    wanted,
    streams: count,
    rssBeforeBytes: before,
    rssHeldBytes: held,
    rssAfterBytes: after,
    bytesEach: (held - before) / count,
    maxBytesEach: row.maxBytesEach,
    filesEach: (filesHeld - filesBefore) / count,
    filesLeft,
    errors: complaints.length,
    complaints,
  }
}

/** failedStreams are the figures of a row that could not be run. */
export const failedStreams = (row: StreamRow, wanted: number, error: unknown): StreamFigures => ({
  row: row.name,
  about: row.about,
  wanted,
  streams: 0,
  rssBeforeBytes: NaN,
  rssHeldBytes: NaN,
  rssAfterBytes: NaN,
  bytesEach: NaN,
  maxBytesEach: row.maxBytesEach,
  filesEach: NaN,
  filesLeft: NaN,
  errors: 1,
  complaints: [error instanceof Error ? error.message : String(error)],
})

/** V8 gives memory back some seconds after the work has ended, so RSS counts once it has stood still for a while. */
const settledRss = async (pid: number, atLeastSeconds = 0): Promise<number> => {
  const seen: number[] = []
  while (seen.length < 45 && !(seen.length > atLeastSeconds && isSteady(seen.slice(-8)))) {
    seen.push((await usageOf([pid])).rssBytes)
    await sleep(1000)
  }
  return seen.at(-1) ?? NaN
}

const isSteady = (last: readonly number[]): boolean =>
  last.length >= 8 && Math.max(...last) - Math.min(...last) < Math.max(...last) / 100

const filesOnceGone = async (instance: BenchInstance, before: number): Promise<number> => {
  const until = Date.now() + goneWithinMs
  for (;;) {
    const open = await openFilesOf(instance.child.pid)
    if (open <= before + filesAllowed || Date.now() > until) return open
    await sleep(250)
  }
}

/** Node lifts its own soft limit to the hard one; the instance may need two sockets a stream, this process one. */
const withinFileLimit = (wanted: number): number => {
  const text = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  if (text === 'unlimited') return wanted
  return Math.min(wanted, Math.floor((Number(text) - 500) / 2))
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
