import type { ListeningKind } from './fixture.js'
import type { SuiteVersion } from './program.js'
import type { SuiteRun } from './suite.js'

/** Row is a run of the suite against the fixture and what comes of it, called directly. */
export interface Row {
  readonly kind: ListeningKind
  readonly version: SuiteVersion
  readonly scope: SuiteRun['scope']
  /** How many scenarios count, and how many checks of them and of all others succeed. */
  readonly scored: number
  readonly succeeded: number
  /** What only a server with a channel to the client can do; warnings are of what such a server only should do. */
  readonly failed?: readonly string[]
  readonly warned?: number
  /** Where it differs behind the router, which opens a session for a server that has none: more checks find what they look for. */
  readonly routed?: Partial<Pick<Row, 'succeeded' | 'warned'>>
}

const legacy = { version: '0.2', scope: { requirements: '2025-11-25' } } as const
const modern = { version: '0.2', scope: { requirements: '2026-07-28' } } as const
const all = (revision: '2025-03-26' | '2025-06-18') =>
  ({ version: '0.2', scope: { suite: 'all', revision } }) as const
const active = { version: '0.1', scope: { suite: 'active' } } as const

const askingScenarios = [
  'tools-call-sampling',
  'tools-call-elicitation',
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
]

/** rows are the runs of one era on both sides. */
export const rows: readonly Row[] = [
  { kind: 'http-stateful', ...legacy, scored: 30, succeeded: 84 },
  { kind: 'http-dual', ...legacy, scored: 30, succeeded: 84 },
  {
    kind: 'http-stateless',
    ...legacy,
    scored: 30,
    succeeded: 63,
    failed: askingScenarios,
    warned: 4,
    routed: { succeeded: 69, warned: 2 },
  },
  { kind: 'http-modern', ...modern, scored: 37, succeeded: 164 },
  { kind: 'http-dual', ...modern, scored: 37, succeeded: 164 },
  { kind: 'http-stateful', ...all('2025-06-18'), scored: 27, succeeded: 56 },
  { kind: 'http-stateful', ...all('2025-03-26'), scored: 1, succeeded: 3 },
  { kind: 'http-stateful', ...active, scored: 30, succeeded: 40 },
]

/** told names a row. */
export const told = ({ kind, version, scope }: Row): string => {
  const what = 'requirements' in scope ? ['requirements', scope.requirements] : Object.values(scope)
  return [kind, 'with suite', version, ...what].join(' ')
}
