import type { StubTool } from './stub-answer.js'

/** Request is one HTTP request of the driver. */
export interface Request {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Traffic is what a row sends, over and over, and how the answers must look. */
export interface Traffic {
  readonly answer: 'json' | 'sse'
  readonly requests: readonly Request[]
  /** The body of one more call, with this id. */
  readonly callOf: (id: number | string) => string
  close(): Promise<void>
}

/** OpenTraffic prepares a row's Traffic against a running proxy. */
export type OpenTraffic = (base: string) => Promise<Traffic>

const requestCount = 1024
const sessionCount = 16
const revision = '2025-06-18'
const modernRevision = '2026-07-28'
const envelope = {
  'io.modelcontextprotocol/protocolVersion': modernRevision,
  'io.modelcontextprotocol/clientCapabilities': {},
}

const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'user-agent': 'mcp-router-bench/1.0',
}

/** calls sends `tools/call` without a session, each by itself. */
export const calls =
  (path: string): OpenTraffic =>
  () =>
    Promise.resolve({
      answer: 'json',
      requests: ids.map((id) => ({ path, headers, body: toolCall(id) })),
      callOf: (id) => toolCall(id),
      close: () => Promise.resolve(),
    })

/** modern sends `tools/call` of revision 2026-07-28: no session, all it needs in each request. */
export const modern =
  (path: string): OpenTraffic =>
  () => {
    const mirrored = {
      ...headers,
      'mcp-protocol-version': modernRevision,
      'mcp-method': 'tools/call',
      'mcp-name': 'search_documents',
    }
    const callOf = (id: number | string): string => toolCall(id, envelope)
    return Promise.resolve({
      answer: 'json',
      requests: ids.map((id) => ({ path, headers: mirrored, body: callOf(id) })),
      callOf,
      close: () => Promise.resolve(),
    })
  }

/** sessions opens sessions as an SDK client does and spreads `tools/call` over them. */
export const sessions =
  (path: string, answer: Traffic['answer'], tool?: StubTool): OpenTraffic =>
  async (base) => {
    const callOf = (id: number | string): string => toolCall(id, {}, tool)
    const opened: Record<string, string>[] = []
    for (let n = 0; n < sessionCount; n += 1) opened.push(await openSession(base + path))
    return {
      answer,
      requests: ids.map((id) => ({
        path,
        headers: opened[id % sessionCount] ?? headers,
        body: callOf(id),
      })),
      callOf,
      close: async () => {
        for (const session of opened) {
          const ended = await fetch(base + path, { method: 'DELETE', headers: session })
          await ended.arrayBuffer()
          if (!ended.ok) throw new Error(`DELETE at ${path} answered ${ended.status}`)
        }
      },
    }
  }

/** toolCall is a call of about 300 bytes. */
export const toolCall = (
  id: number | string,
  more: object = {},
  name: StubTool = 'search_documents',
): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: {
      name,
      arguments: {
        workspace: 'b2f1c6de-8a5e-4b0c-9a37-5d1f0c2e7741',
        query: 'what happens to a session when its instance goes away',
        filters: { language: 'en', kinds: ['runbook', 'minutes'] },
        limit: 10,
      },
      _meta: { progressToken: id, ...more },
    },
  })

const ids = Array.from({ length: requestCount }, (_, n) => n)

const openSession = async (url: string): Promise<Record<string, string>> => {
  const params = {
    protocolVersion: revision,
    capabilities: {},
    clientInfo: { name: 'mcp-router-bench', version: '1.0.0' },
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const answer = await fetch(url, { method: 'POST', headers, body })
  const text = await answer.text()
  const id = answer.headers.get('mcp-session-id')
  if (!answer.ok || !id) {
    throw new Error(`initialize at ${url} answered ${answer.status} without a session: ${text}`)
  }
  const session = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': revision }
  const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const noted = await fetch(url, { method: 'POST', headers: session, body: note })
  await noted.arrayBuffer()
  if (noted.status !== 202)
    throw new Error(`initialized at ${url} answered ${noted.status}, not 202`)
  return session
}
