import type { Figures } from './tally.js'

/** tableOf is the figures of a run for a terminal. */
export const tableOf = (rows: readonly Figures[]): string => aligned([head, ...rows.map(line)])

const head = [
  'fault',
  'faults',
  'calls',
  'answered',
  'told unknown',
  'failed',
  'hung',
  'wrong',
  'forgot',
  'forgot, Redis away',
  'twice',
  'twice, Redis away',
  'lost',
  'modern cut',
  'reset',
  'refused',
  'given up',
  'p50 ms',
  'max ms',
]

const line = (row: Figures): readonly string[] => [
  row.fault,
  ...[row.faults, row.calls, row.answered, row.toldUnknown, row.failed, row.hung].map(String),
  ...[row.wrong, row.forgot, row.forgotAway].map(String),
  ...[row.twice, row.twiceAway, row.lost, row.modernCut, row.reset, row.refused, row.givenUp].map(
    String,
  ),
  ...[row.recoveryP50Ms, row.recoveryMaxMs].map(whole),
]

const whole = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(0))

/** aligned puts cells in columns: the first to the left, figures to the right. */
const aligned = (lines: readonly (readonly string[])[]): string => {
  const widths = head.map((_, n) => Math.max(...lines.map((cells) => (cells[n] ?? '').length)))
  return lines
    .map((cells) =>
      cells
        .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
