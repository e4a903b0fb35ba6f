import type { CallFigures } from './figures.js'
import type { StreamFigures } from './streams.js'
import type { Target } from './targets.js'

/** tableOf is a run's figures for a terminal. */
export const tableOf = (
  calls: readonly CallFigures[],
  streams: readonly StreamFigures[],
  targets: readonly Target[],
): string => {
  const parts = [
    calls.length > 0 ? aligned([callHead, ...calls.map(callLine)]) : '',
    streams.length > 0 ? aligned([streamHead, ...streams.map(streamLine)]) : '',
    [...calls.flatMap(failuresOf), ...[...calls, ...streams].flatMap(complaintsOf)].join('\n'),
    targets.map(({ passed, text }) => `${passed ? 'pass' : 'MISS'}  ${text}`).join('\n'),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

const callHead = [
  'row',
  'calls/s',
  'p50 ms',
  'p99 ms',
  'CPU µs/call',
  'user',
  'system',
  '× Nginx',
  'RSS MiB',
  'stub',
  'errors',
]

const callLine = (one: CallFigures): string[] => [
  one.row,
  fixed(one.perSecond, 0),
  fixed(one.p50Ms, 2),
  fixed(one.p99Ms, 2),
  cpu(one),
  fixed(one.cpuUs - one.systemUs, 1),
  fixed(one.systemUs, 1),
  fixed(one.ratio, 2),
  mib(one.rssBytes),
  `${fixed(one.stubBusy * 100, 0)} %`,
  String(one.errors),
]

const streamHead = [
  'row',
  'streams',
  'RSS before',
  'held',
  'after',
  'KiB each',
  'files each',
  'files left',
  'errors',
]

const streamLine = (one: StreamFigures): string[] => [
  one.row,
  String(one.streams),
  mib(one.rssBeforeBytes),
  mib(one.rssHeldBytes),
  mib(one.rssAfterBytes),
  fixed(one.bytesEach / 1024, 1),
  fixed(one.filesEach, 1),
  fixed(one.filesLeft, 0),
  String(one.errors),
]

const failuresOf = ({ row, failures }: CallFigures): readonly string[] =>
  Object.entries(failures).map(([kind, count]) => `  ! ${row}: ${count} ${kind} errors`)

const complaintsOf = (one: CallFigures | StreamFigures): readonly string[] =>
  [...new Set(one.complaints)].map((text) => `  ! ${one.row}: ${text}`)

/** Where two kinds of process share the work, the sum and its parts: 24 Nginx + 53 instances. */
const cpu = ({ cpuUs, cpuUsBy }: CallFigures): string => {
  const parts = Object.entries(cpuUsBy).map(([name, us]) => `${name} ${us.toFixed(1)}`)
  return parts.length > 1 ? `${cpuUs.toFixed(1)} (${parts.join(' + ')})` : fixed(cpuUs, 1)
}

const mib = (bytes: number): string => fixed(bytes / 2 ** 20, 0)

/** A row that failed has no figures. */
const fixed = (value: number, digits: number): string =>
  Number.isNaN(value) ? '–' : value.toFixed(digits)

/** aligned puts cells in columns: the first to the left, figures to the right. */
const aligned = (lines: readonly (readonly string[])[]): string => {
  const widths = (lines[0] ?? []).map((_, n) =>
    Math.max(...lines.map((line) => (line[n] ?? '').length)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
