import { fixtureScript } from '../harness/paths.js'
import { run } from '../harness/running.js'
import { until } from '../harness/until.js'

/** The ways in which the conformance fixture is served. */
export const listeningKinds = [
  'http-stateful',
  'http-stateless',
  'http-modern',
  'http-dual',
  'sse',
] as const
export type ListeningKind = (typeof listeningKinds)[number]
export type StdioKind = 'stdio-legacy' | 'stdio-modern'
export type FixtureKind = ListeningKind | StdioKind

/** stdioCommand is the fixture as a command that speaks on its input and output. */
export const stdioCommand = (kind: StdioKind): { command: string; args: string[] } => ({
  command: process.execPath,
  args: [fixtureScript('conformance/main'), '--kind', kind],
})

/** ConformanceFixture is a running server of our own that the official suite can judge. */
export interface ConformanceFixture {
  readonly url: string
  close(): Promise<void>
}

/** openConformanceFixture starts the fixture on any free port and resolves once it listens. */
export const openConformanceFixture = async (
  kind: ListeningKind | 'http-default',
): Promise<ConformanceFixture> => {
  const process = run([fixtureScript('conformance/main'), '--kind', kind, '--port', '0'])
  const url = await until(`the conformance fixture ${kind} to listen`, () => {
    if (process.hasEnded()) throw new Error(process.output())
    return /^\{"url":"(.+)"\}$/m.exec(process.output())?.[1]
  }).catch(async (error: unknown) => {
    await process.stop()
    throw error
  })
  return { url, close: () => process.stop() }
}

/** withConformanceFixture runs something while the fixture is up. */
export const withConformanceFixture = async <T>(
  kind: ListeningKind,
  use: (url: string) => Promise<T>,
): Promise<T> => {
  const fixture = await openConformanceFixture(kind)
  try {
    return await use(fixture.url)
  } finally {
    await fixture.close()
  }
}
