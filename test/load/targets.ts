import type { CallFigures } from './figures.js'
import type { StreamFigures } from './streams.js'

/** Target is one thing a run must show. */
export interface Target {
  readonly text: string
  readonly passed: boolean
}

/** targetsOf judges the figures of a run; a row with errors reaches nothing. */
export const targetsOf = (
  calls: readonly CallFigures[],
  streams: readonly StreamFigures[],
): readonly Target[] => {
  const errors = errorsOf(calls, streams)
  return [
    ...calls.flatMap(ratioTarget),
    ...streams.map(memoryTarget),
    { text: `errors in all rows: ${errors}, none allowed`, passed: errors === 0 },
  ]
}

/** errorsOf counts the errors of all rows. */
export const errorsOf = (
  calls: readonly CallFigures[],
  streams: readonly StreamFigures[],
): number => [...calls, ...streams].reduce((sum, row) => sum + row.errors, 0)

const ratioTarget = ({ row, ratio, maxRatio, errors }: CallFigures): readonly Target[] => {
  if (maxRatio === undefined) return []
  const text = `${row}: CPU per call ${ratio.toFixed(2)} × bare Nginx, at most ${maxRatio}`
  return [{ text, passed: errors === 0 && ratio <= maxRatio }]
}

const memoryTarget = (one: StreamFigures): Target => {
  const each = `${kib(one.bytesEach)} KiB each, at most ${kib(one.maxBytesEach)}`
  return {
    text: `${one.row}: ${one.streams} of ${one.wanted} streams at ${each}`,
    passed: one.errors === 0 && one.streams === one.wanted && one.bytesEach <= one.maxBytesEach,
  }
}

const kib = (bytes: number): string => (bytes / 1024).toFixed(1)
