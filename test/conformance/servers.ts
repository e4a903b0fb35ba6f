import type { ServerEntry } from '../harness/backends.js'
import { listeningKinds, openConformanceFixture, stdioCommand } from './fixture.js'
import type { FixtureKind, ListeningKind } from './fixture.js'

/** FixtureServers are the conformance fixture in every way of serving it, as entries of a servers file. */
export interface FixtureServers {
  readonly entries: Readonly<Record<FixtureKind, ServerEntry>>
  close(): Promise<void>
}

/** openFixtureServers starts those that listen. */
export const openFixtureServers = async (): Promise<FixtureServers> => {
  const opening = listeningKinds.map((kind) => openConformanceFixture(kind))
  const close = async (): Promise<void> => {
    for (const opened of await Promise.allSettled(opening))
      if (opened.status === 'fulfilled') await opened.value.close()
  }
  const opened = await Promise.all(opening).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const at = (kind: ListeningKind): ServerEntry => ({
    url: opened[listeningKinds.indexOf(kind)]!.url,
  })
  const entries = {
    'http-stateful': at('http-stateful'),
    'http-stateless': at('http-stateless'),
    'http-modern': at('http-modern'),
    'http-dual': at('http-dual'),
    sse: { ...at('sse'), transport: 'sse' },
    'stdio-legacy': { ...stdioCommand('stdio-legacy') },
    'stdio-modern': { ...stdioCommand('stdio-modern') },
  }
  return { entries, close }
}
