import { isRecord, metaKeys } from '../modern/envelope.js'
import { isLegacyRevision, latestLegacy, modernRevisions } from '../revision.js'
import { withoutTasks } from './capabilities.js'
import { isImplementation } from './envelope.js'
import { without } from './json.js'
import type { Json } from './json.js'
import { foreignMeta, metaOf, withMeta } from './meta.js'

/** Cache says how long a result may be kept, and for whom (2026-07-28, caching). */
export interface Cache {
  readonly ttlMs: number
  readonly cacheScope: 'public' | 'private'
}

/**
 * initializeResult answers the `initialize` of a legacy client from what a modern server said of itself. `requested` is the revision
 * that the client asked for, `name` what the server is called where it does not say.
 */
export const initializeResult = (discovered: Json, requested: unknown, name: string): Json => {
  const serverInfo = metaOf(discovered)[metaKeys.serverInfo]
  const isKnown = typeof requested === 'string' && isLegacyRevision(requested)
  return {
    protocolVersion: isKnown ? requested : latestLegacy,
    ...withMeta(without(discovered, discoveredOnly), foreignMeta(discovered)),
    capabilities: capabilitiesOf(discovered),
    serverInfo: isImplementation(serverInfo) ? serverInfo : { name, version: 'unknown' },
  }
}

/** discoverFault says what is wrong with the answer to `server/discover` where it does not tell what its server speaks. */
export const discoverFault = ({ supportedVersions }: Json): string | undefined => {
  if (Array.isArray(supportedVersions)) return undefined
  const fault = supportedVersions === undefined ? 'without' : 'with another thing than a list for'
  return `an answer to server/discover ${fault} supportedVersions`
}

/** discoverResult answers the `server/discover` of a modern client from what a legacy server said at `initialize`. */
export const discoverResult = (initialized: Json, { ttlMs, cacheScope }: Cache): Json => {
  const { serverInfo } = initialized
  const serverInfoMeta = isImplementation(serverInfo) ? { [metaKeys.serverInfo]: serverInfo } : {}
  return {
    resultType: 'complete',
    supportedVersions: modernRevisions,
    ...withMeta(without(initialized, initializedOnly), {
      ...foreignMeta(initialized),
      ...serverInfoMeta,
    }),
    capabilities: capabilitiesOf(initialized),
    ttlMs,
    cacheScope,
  }
}

const discoveredOnly = ['supportedVersions', 'protocolVersion', 'resultType', 'ttlMs', 'cacheScope']

const initializedOnly = ['protocolVersion', 'serverInfo', 'supportedVersions', 'resultType']

const capabilitiesOf = ({ capabilities }: Json): Json =>
  isRecord(capabilities) ? withoutTasks(capabilities) : {}
