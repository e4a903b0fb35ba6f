import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ownInitialize } from './era/discover.js'
import { laneInitialize } from './lane/terms.js'

// At the root, where a release sets it.
const manifest = new URL('../../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }

describe('a session of the router itself', () => {
  it.each([
    ['that asks what an endpoint speaks', ownInitialize],
    [
      'for calls of clients that do not name themselves',
      laneInitialize({ principal: 'anonymous', capabilities: {}, clientInfo: undefined }),
    ],
  ])('%s names the version of the release', (_, { clientInfo }) => {
    expect(clientInfo).toEqual({ name: 'mcp-router', version })
  })
})
