import { scanMessage } from '@mcp-router/protocol'
import { aRequest, backendOf, createHeard, createTwinChannel } from '@mcp-router/testkit/upstream'
import { onTestFinished } from 'vitest'
import { createToolCatalog } from '../catalog.js'
import { LegacyFace } from './face.js'

/** openFace is a LegacyFace over a TwinChannel; `opened` is what a server says to `server/discover`, answered at `initialize`. */
export const openFace = (openTimeoutMs = 60_000) => {
  const channel = createTwinChannel()
  const heard = createHeard()
  const catalog = createToolCatalog({ ttlMs: 60_000 })
  const face = new LegacyFace({
    backend: backendOf(),
    channel,
    catalog,
    listener: heard,
    openTimeoutMs,
  })
  onTestFinished(() => face.close())

  /** Sends a request that nobody waits for here: its answer, or its failure, is looked for elsewhere. */
  const send = (id: string | number, method: string, params: object = {}): Promise<unknown> =>
    face.send(aRequest(id, method, params)).catch((error: unknown) => error)

  const tell = (message: object): Promise<void> =>
    face.send(scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))))

  const initialize = async (capabilities: object = {}, client: object = {}): Promise<unknown> => {
    const clientInfo = { name: 'c', version: '1' }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo, ...client }
    void send('i', 'initialize', params)
    const discover = await channel.next()
    discover.answer({ supportedVersions: ['2026-07-28'], capabilities, resultType: 'complete' })
    return heard.next()
  }

  /** Sends a tools/call and resolves with it at the server, where its tools were listed first. */
  const call = async (id: string | number, params: object, tools: readonly object[] = []) => {
    const sent = send(id, 'tools/call', params)
    const first = await channel.next()
    if (first.method !== 'tools/list') return { sent, call: first }
    first.answer({ tools })
    return { sent, call: await channel.next() }
  }

  return { face, channel, heard, catalog, send, tell, initialize, call }
}

/** A tool whose argument `city` is repeated in a header. */
export const cityTool = (header = 'City') => ({
  name: 'weather',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string', 'x-mcp-header': header } },
  },
})
