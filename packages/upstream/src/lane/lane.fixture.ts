import type { Message } from '@mcp-router/protocol'
import { backendOf, createTwinUpstream } from '@mcp-router/testkit/upstream'
import { vi } from 'vitest'
import { Lane } from './lane.js'
import type { LaneCaller } from './lane.js'

const parsed = (message: Message): unknown => JSON.parse(String(message.bytes)) as unknown

export const openLane = async (capabilities: object = {}) => {
  const hooks = { onChange: vi.fn(), onGone: vi.fn() }
  const lane = new Lane(backendOf(), hooks)
  const upstream = createTwinUpstream(lane)
  const opening = lane.open(upstream, { protocolVersion: '2025-11-25' })
  const initialize = await upstream.next()
  initialize.answer({ capabilities })
  await opening
  const initialized = await upstream.next()
  return { lane, hooks, upstream, initialize, initialized }
}

export const caller = () => {
  const heard: unknown[] = []
  const hear = (message: Message): void => void heard.push(parsed(message))
  const onFailed = vi.fn()
  return { heard, onFailed, onAnswer: hear, onAsked: hear, onSaid: hear } satisfies LaneCaller & {
    heard: unknown[]
  }
}
