import type { Via } from './rig.js'
import { calls, modern, type OpenTraffic, sessions } from './traffic.js'

/** CallRow is a row of calls driven as fast as they are answered. */
export interface CallRow {
  readonly kind: 'calls'
  readonly name: string
  readonly about: string
  readonly via: Via
  readonly open: OpenTraffic
  /** The row of bare Nginx whose CPU per call this one's is divided by. */
  readonly baseline: string
  /** The target: at most so many times the baseline's CPU per call. */
  readonly maxRatio?: number
}

/** StreamRow is a row of idle streams held open by one fresh instance. */
export interface StreamRow {
  readonly kind: 'streams'
  readonly name: string
  readonly about: string
  readonly path: string
  /** The target: at most so much resident memory for each. */
  readonly maxBytesEach: number
}

export type Row = CallRow | StreamRow

/** rows is the one list of what is measured; a further era or transport is one more line. */
export const rows: readonly Row[] = [
  {
    kind: 'calls',
    name: 'nginx-json',
    about: 'bare Nginx, JSON answer',
    via: 'nginx',
    open: sessions('/mcp', 'json'),
    baseline: 'nginx-json',
  },
  {
    kind: 'calls',
    name: 'nginx-sse',
    about: 'bare Nginx, SSE answer',
    via: 'nginx',
    open: sessions('/sse-mcp', 'sse'),
    baseline: 'nginx-sse',
  },
  {
    kind: 'calls',
    name: 'call',
    about: 'one instance, POST /mcp/router/route/stub',
    via: 'instance',
    open: calls('/mcp/router/route/stub'),
    baseline: 'nginx-json',
    maxRatio: 2.5,
  },
  {
    kind: 'calls',
    name: 'http-json',
    about: 'one instance, http session, JSON answer',
    via: 'instance',
    open: sessions('/mcp/stub', 'json'),
    baseline: 'nginx-json',
    maxRatio: 2.2,
  },
  {
    kind: 'calls',
    name: 'http-sse',
    about: 'one instance, http session, SSE answer',
    via: 'instance',
    open: sessions('/mcp/stub-sse', 'sse'),
    baseline: 'nginx-sse',
    maxRatio: 2.5,
  },
  {
    kind: 'calls',
    name: 'modern',
    about: 'one instance, 2026-07-28 on both sides, JSON answer',
    via: 'instance',
    open: modern('/mcp/stub-modern'),
    baseline: 'nginx-json',
    maxRatio: 2.5,
  },
  {
    kind: 'calls',
    name: 'modern-legacy',
    about: 'one instance, a client of 2026-07-28 and a server with sessions',
    via: 'instance',
    open: modern('/mcp/stub'),
    baseline: 'nginx-json',
    maxRatio: 5,
  },
  {
    kind: 'calls',
    name: 'legacy-modern',
    about: 'one instance, a client with a session and a server of 2026-07-28',
    via: 'instance',
    open: sessions('/mcp/stub-modern', 'json'),
    baseline: 'nginx-json',
    maxRatio: 5,
  },
  {
    kind: 'calls',
    name: 'cluster-json',
    about: 'Nginx and three instances, http session, JSON answer',
    via: 'cluster',
    open: sessions('/mcp/stub', 'json'),
    baseline: 'nginx-json',
    maxRatio: 5.5,
  },
  {
    kind: 'calls',
    name: 'cluster-call-log',
    about: 'as cluster-json, of a tool that may not be called twice: each call is in the CallLog',
    via: 'cluster',
    open: sessions('/mcp/stub', 'json', 'share_documents'),
    baseline: 'nginx-json',
  },
  {
    kind: 'streams',
    name: 'idle-streams',
    about: 'one instance holding idle SSE streams',
    path: '/sse/stub',
    maxBytesEach: 25 * 1024,
  },
]

/** chosenRows picks rows by name, in the list's order, with the rows that they are compared with. */
export const chosenRows = (names: readonly string[] | undefined): readonly Row[] => {
  if (!names) return rows
  const unknown = names.filter((name) => !rows.some((row) => row.name === name))
  if (unknown.length > 0) {
    const known = rows.map((row) => row.name).join(', ')
    throw new Error(`unknown row ${unknown.join(', ')}: the rows are ${known}`)
  }
  const wanted = new Set(names)
  for (const row of rows) {
    if (row.kind === 'calls' && wanted.has(row.name)) wanted.add(row.baseline)
  }
  return rows.filter((row) => wanted.has(row.name))
}

/** withCompared has each row of one instance followed by the same of the other build. */
export const withCompared = (chosen: readonly Row[], other: string | undefined): readonly Row[] =>
  chosen.flatMap((row): readonly Row[] => {
    if (other === undefined || row.kind !== 'calls' || row.via !== 'instance') return [row]
    const { kind, about, open, baseline } = row
    const name = `${row.name}, compared`
    return [row, { kind, about, open, baseline, name, via: 'compared' }]
  })
