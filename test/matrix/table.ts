import type { SdkWay } from '../harness/sdk/connect.js'
import { backendNames } from './backends.js'
import type { BackendName } from './backends.js'
import { clientNames } from './cells.js'
import { features } from './features.js'
import type { Feature } from './features.js'
import { gaps, gapsOf } from './gaps.js'

/** Missing is what did not work in a cell. */
export type Missing = (client: SdkWay, backend: BackendName) => readonly Feature[]

const clientTitles: Readonly<Record<SdkWay, string>> = {
  'v1 sse': 'SDK 1, HTTP+SSE',
  'v1 http': 'SDK 1, Streamable HTTP',
  'v2 http': 'SDK 2, 2025-11-25',
  'v2 modern': 'SDK 2, 2026-07-28',
}

const backendTitles: Readonly<Record<BackendName, string>> = {
  'http-stateful': 'Streamable HTTP, 2025-11-25, sessions',
  'http-stateless': 'Streamable HTTP, 2025-11-25, no sessions',
  'http-modern': 'Streamable HTTP, 2026-07-28',
  'http-dual': 'Streamable HTTP, both',
  sse: 'HTTP+SSE, 2024-11-05',
  'stdio-legacy': 'stdio, 2025-11-25',
  'stdio-modern': 'stdio, 2026-07-28',
  'everything-http': '`server-everything`, Streamable HTTP',
  'everything-sse': '`server-everything`, HTTP+SSE',
  'everything-stdio': '`server-everything`, stdio',
}

/** What “all” does not tell: see `expectUpdate`. */
const caveat =
  'Where a server reports an update only to the session in which it happened, a client of 2026-07-28, which has no session, ' +
  'learns of it when its call and its subscription meet there.'

const marks = ['¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹']

/** matrixTable writes the matrix as Markdown: a row for each server, a column for each client, and why something is missing. */
export const matrixTable = (missing: Missing): string => {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(['server ↓ client →', ...clientNames.map((name) => clientTitles[name])]),
    `|${'---|'.repeat(clientNames.length + 1)}`,
    ...backendNames.map((backend) =>
      row([
        backendTitles[backend],
        ...clientNames.map((client) => cell(client, backend, missing(client, backend))),
      ]),
    ),
    '',
    `“All” is: ${features.join(', ')}.`,
    caveat,
    '',
    ...gaps.map((gap, at) => `- ${marks[at] ?? ''} not ${gap.features.join(', ')}: ${gap.why}`),
  ].join('\n')
}

const cell = (client: SdkWay, backend: BackendName, missing: readonly Feature[]): string => {
  if (missing.length === 0) return 'all'
  const known = gapsOf(client, backend)
  const unknown = missing.filter((one) => !known.some((gap) => gap.features.includes(one)))
  const signs = known.map((gap) => marks[gaps.indexOf(gap)] ?? '')
  return `all but ${[...signs, ...unknown].join(' ')}`
}
