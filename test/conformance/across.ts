import type { FixtureKind } from './fixture.js'

/** Across is what a revision requires, tried on the fixture in the other Era, or over a transport that the suite does not speak itself. */
export interface Across {
  readonly requirements: '2025-11-25' | '2026-07-28'
  readonly kind: FixtureKind
  /** How many scenarios count. */
  readonly scored: number
  /** The checks that such a pair cannot pass. One that passes nevertheless fails the proof. */
  readonly expectedFailures: ExpectedFailures
}

/** ExpectedFailures are checks, as `<scenario>: <check>`, each with the reason. */
type ExpectedFailures = Readonly<Record<string, string>>

const each = (why: string, checks: readonly string[]): ExpectedFailures =>
  Object.fromEntries(checks.map((check) => [check, why]))

const withoutEnvelope: ExpectedFailures = {
  ...each(
    'such a server tells in words, as the result of a tool, that the client lacks something',
    [
      'server-stateless: sep-2575-server-rejects-undeclared-capability',
      'server-stateless: sep-2575-missing-capability-http-400',
    ],
  ),
}

const withoutKeys = each(
  'a request of a server with sessions has no key that the suite could know',
  ['input-required-result-basic-elicitation: sep-2322-elicitation-incomplete'],
)

const withoutWayBack = each('a server without sessions cannot ask its client before 2026-07-28', [
  'input-required-result-basic-elicitation: sep-2322-elicitation-incomplete',
  'input-required-result-basic-sampling: sep-2322-sampling-incomplete',
  'input-required-result-basic-list-roots: sep-2322-list-roots-incomplete',
  'input-required-result-request-state: sep-2322-request-state-incomplete',
  'input-required-result-multiple-input-requests: sep-2322-multiple-inputs-incomplete',
  'input-required-result-multi-round: sep-2322-multi-round-r1',
  'input-required-result-non-tool-request: sep-2322-non-tool-incomplete',
  'input-required-result-result-type: sep-2322-result-type-included',
  'input-required-result-tampered-state: sep-2322-reject-tampered-state',
  'input-required-result-capability-check: sep-2322-respect-client-capabilities',
])

const modern = { requirements: '2026-07-28', scored: 37 } as const
const legacy = { requirements: '2025-11-25', scored: 30 } as const
const bridged = { ...modern, expectedFailures: { ...withoutEnvelope, ...withoutKeys } }

/** across is every pair that `rows` leaves out. */
export const across: readonly Across[] = [
  { ...bridged, kind: 'http-stateful' },
  { ...bridged, kind: 'sse' },
  { ...bridged, kind: 'stdio-legacy' },
  {
    ...modern,
    kind: 'http-stateless',
    expectedFailures: { ...withoutEnvelope, ...withoutWayBack },
  },
  { ...modern, kind: 'stdio-modern', expectedFailures: {} },
  { ...legacy, kind: 'http-modern', expectedFailures: {} },
  { ...legacy, kind: 'stdio-modern', expectedFailures: {} },
  { ...legacy, kind: 'sse', expectedFailures: {} },
  { ...legacy, kind: 'stdio-legacy', expectedFailures: {} },
]
