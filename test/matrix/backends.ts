import { freePorts, run, said } from '@mcp-router/testkit/process'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureKind } from '../conformance/fixture.js'
import { everythingEntry } from '../harness/backends.js'
import type { ServerEntry } from '../harness/backends.js'
import { everything } from '../harness/paths.js'

/** The published server, in its three ways of serving. */
export const everythingBackends = ['everything-http', 'everything-sse', 'everything-stdio'] as const
export type BackendName = FixtureKind | (typeof everythingBackends)[number]

/** backendNames are the servers of the matrix: our own, in every way of serving it, then the published one. */
export const backendNames: readonly BackendName[] = [
  'http-stateful',
  'http-stateless',
  'http-modern',
  'http-dual',
  'sse',
  'stdio-legacy',
  'stdio-modern',
  ...everythingBackends,
]

/** MatrixBackends are entries of a servers file. */
export interface MatrixBackends {
  readonly entries: Readonly<Record<BackendName, ServerEntry>>
  close(): Promise<void>
}

/** openBackends starts those servers of the matrix that listen. */
export const openBackends = async (): Promise<MatrixBackends> => {
  const opening = [
    openFixtureServers(),
    openEverything('streamableHttp', '/mcp'),
    openEverything('sse', '/sse'),
  ] as const
  const close = async (): Promise<void> => {
    for (const opened of await Promise.allSettled(opening))
      if (opened.status === 'fulfilled') await opened.value.close()
  }
  try {
    const [fixture, http, sse] = await Promise.all(opening)
    const entries = {
      ...fixture.entries,
      'everything-http': { url: http.url },
      'everything-sse': { transport: 'sse', url: sse.url },
      'everything-stdio': everythingEntry,
    }
    return { entries, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Opened {
  readonly url: string
  close(): Promise<void>
}

/** openEverything starts the published server as one that listens. */
export const openEverything = async (
  how: 'streamableHttp' | 'sse',
  path: string,
): Promise<Opened> => {
  const port = await freePorts(1)
  const process = run([everything, how], { PORT: String(port) })
  const listens = (text: string): string | undefined => /on port \d+/.exec(text)?.[0]
  await said(process, `the reference server over ${how} to listen`, listens)
  return { url: `http://127.0.0.1:${port}${path}`, close: () => process.stop() }
}
