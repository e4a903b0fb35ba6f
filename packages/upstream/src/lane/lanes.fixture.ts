import type { Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint, createTwinUpstream } from '@mcp-router/testkit/upstream'
import type { Passed, TwinUpstream } from '@mcp-router/testkit/upstream'
import { onTestFinished } from 'vitest'
import { createListChanges } from '../changes.js'
import { createLanes } from './lanes.js'
import type { LaneTerms } from './terms.js'

export const laneEndpoint = httpEndpoint('http://127.0.0.1:1/mcp')
export const laneBackend = backendOf(laneEndpoint)
export const laneTerms: LaneTerms = { principal: 'ann', capabilities: {}, clientInfo: undefined }

export const initialized = ({ method, answer }: Passed): void => {
  if (method === 'initialize' || method === 'resources/subscribe') answer({ capabilities: {} })
}

/** openLanes are Lanes at Endpoints that answer `initialize`, or each request as `onPassed` does. */
export const openLanes = (
  onPassed = initialized,
  idleMs = 60_000,
  maxProcesses = 2,
  parkedMs = 10_000,
) => {
  const upstreams: TwinUpstream[] = []
  const changes = createListChanges()
  const dialer = {
    open: (...[, , listener]: Parameters<Parameters<typeof createLanes>[0]['dialer']['open']>) => {
      const upstream = createTwinUpstream(listener, onPassed)
      upstreams.push(upstream)
      return Promise.resolve(upstream)
    },
    openFace: () => {
      throw new Error('a lane is at a server with sessions')
    },
    continue: () => {
      throw new Error('a lane has a session of its own')
    },
  }
  const lanes = createLanes({ dialer, changes, idleMs, maxProcesses, maxLanes: 256, parkedMs })
  onTestFinished(() => lanes.close())
  const take = (change: Partial<LaneTerms> = {}, at: Endpoint = laneEndpoint) =>
    lanes.take(laneBackend, at, { ...laneTerms, ...change })
  const share = () => lanes.share(laneBackend, laneEndpoint, laneTerms)
  return { lanes, upstreams, changes, take, share }
}
