import { run, said } from '@mcp-router/testkit/process'
import { fixtureScript } from '../harness/paths.js'

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
  const listens = (text: string): string | undefined => /^\{"url":"(.+)"\}$/m.exec(text)?.[1]
  const url = await said(process, `the conformance fixture ${kind} to listen`, listens)
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
