import type { Endpoint } from '@mcp-router/core'
import { latestLegacy, legacyCapabilities } from '@mcp-router/protocol'
import { endpointKey } from '../era/endpoint-key.js'
import { routerInfo } from '../router-info.js'

type Json = Readonly<Record<string, unknown>>

/** LaneTerms are what must be the same for two calls to use one Lane: nothing is shared between Principals. */
export interface LaneTerms {
  readonly principal: string
  /** As the client declared them with its request. */
  readonly capabilities: Json
  readonly clientInfo: Json | undefined
}

/** keyOf is one text for all calls that may use one Lane. */
export const keyOf = (
  endpoint: Endpoint,
  { principal, capabilities, clientInfo }: LaneTerms,
): string => JSON.stringify([endpointKey(endpoint), principal, capabilities, clientInfo])

/** laneInitialize are the params that a Lane of these terms opens its session with. */
export const laneInitialize = ({ capabilities, clientInfo }: LaneTerms): Json => ({
  protocolVersion: latestLegacy,
  capabilities: legacyCapabilities(capabilities),
  clientInfo: clientInfo ?? routerInfo,
})
