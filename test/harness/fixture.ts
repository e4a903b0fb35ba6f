import { run, said } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { afterAll, beforeAll } from 'vitest'
import { fixtureScript } from './paths.js'

/** FixtureKind is a script in test/fixtures that listens on a port. */
export type FixtureKind = 'odd-http' | 'stateless'

/** Fixture is a running backend of our own. */
export interface Fixture {
  /** Where it speaks MCP. */
  readonly url: string
  readonly process: Running
  close(): Promise<void>
}

/** openFixture starts a backend on any free port and resolves once it listens. */
export const openFixture = async (
  kind: FixtureKind,
  args: readonly string[] = [],
): Promise<Fixture> => {
  const process = run([fixtureScript(kind), ...args])
  const listens = (text: string): string | undefined => /listens on (\S+)/.exec(text)?.[1]
  const url = await said(process, `the fixture ${kind} to listen`, listens)
  return { url, process, close: () => process.stop() }
}

/** useFixture gives the tests of a file one backend, started before the first and stopped after the last. */
export const useFixture = (kind: FixtureKind, args: readonly string[] = []): (() => Fixture) => {
  let fixture: Fixture | undefined
  beforeAll(async () => {
    fixture = await openFixture(kind, args)
  })
  afterAll(() => fixture?.close())
  return () => {
    if (!fixture) throw new Error(`the fixture ${kind} is not open`)
    return fixture
  }
}
