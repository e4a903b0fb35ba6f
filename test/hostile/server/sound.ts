import type { Asked } from './asked.js'

/** Way is which era a server speaks. */
export type Way = 'legacy' | 'modern'

/** soundAnswer is what a good server answers, as text; undefined: a notification has no answer. */
export const soundAnswer = (asked: Asked, way: Way): string | undefined => {
  if (asked.id === undefined) return undefined
  const about = { jsonrpc: '2.0', id: asked.id }
  const result = resultOf(asked, way)
  if (!result) return JSON.stringify({ ...about, error: { code: -32601, message: 'no method' } })
  const complete = way === 'modern' && { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
  return JSON.stringify({ ...about, result: { ...result, ...complete } })
}

const serverInfo = { name: 'hostile', version: '1' }
const capabilities = { tools: {}, prompts: {}, resources: {}, logging: {} }
const inputSchema = { type: 'object' }

/** Of these, `look` may be repeated and `act` may not. */
const tools = [
  { name: 'look', inputSchema, annotations: { readOnlyHint: true } },
  { name: 'act', inputSchema },
]

const resultOf = (asked: Asked, way: Way): object | undefined => {
  const text = `${asked.mark} ${asked.nonce}`
  switch (asked.method) {
    case 'initialize':
      if (way === 'modern') return undefined
      return { protocolVersion: asked.revision, capabilities, serverInfo }
    case 'server/discover':
      if (way === 'legacy') return undefined
      return { supportedVersions: ['2026-07-28'], capabilities, serverInfo }
    case 'tools/list':
      return { tools }
    case 'prompts/list':
      return { prompts: [{ name: 'one', description: asked.mark }] }
    case 'resources/list':
      return { resources: [{ uri: 'odd://one', name: asked.mark }] }
    case 'resources/read':
      return { contents: [{ uri: 'odd://one', text }] }
    case 'prompts/get':
      return { messages: [{ role: 'user', content: { type: 'text', text } }] }
    case 'tools/call':
      return { content: [{ type: 'text', text }] }
    default:
      return {}
  }
}
