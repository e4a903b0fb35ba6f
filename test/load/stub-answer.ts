import { randomUUID } from 'node:crypto'

/** StubRequest is as much of an HTTP request as the stub reads. */
export interface StubRequest {
  readonly method: string
  readonly path: string
  readonly hasSession: boolean
  readonly body: string
}

/** Message is a JSON-RPC message as the stub reads it. */
interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly protocolVersion?: string }
}

/** resultText is what the stub's tools say: with the envelope, an answer of about 500 bytes. */
export const resultText =
  'Found 3 documents. 1: Release notes of the gateway, chapter 4, on how sessions move between instances. ' +
  '2: Runbook for the on-call engineer, what to do when a backend does not answer within its deadline. ' +
  '3: Minutes of the architecture round, why affinity is a speed-up and never needed for correctness. ' +
  'Ask for one of them by its number to read the whole text, or narrow the search.'

/** StubTool is a tool of the stub. `search_documents` says that it changes nothing; of `share_documents` a router must note each call. */
export type StubTool = 'search_documents' | 'share_documents'

const inputSchema = { type: 'object', properties: { query: { type: 'string' } } }
const description = 'Searches the documents of a workspace'
const tools = JSON.stringify({
  tools: [
    {
      name: 'search_documents' satisfies StubTool,
      description: `${description}.`,
      annotations: { readOnlyHint: true },
      inputSchema,
    },
    {
      name: 'share_documents' satisfies StubTool,
      description: `${description}, and sends what was found to all of its members.`,
      inputSchema,
    },
  ],
})
const discovered = JSON.stringify({ supportedVersions: ['2026-07-28'], capabilities: {} })
const called = JSON.stringify({ content: [{ type: 'text', text: resultText }], isError: false })

/**
 * stubAnswer is the whole HTTP answer to a request: a stateful MCP server with two tools, on `/sse-mcp` as events; on `/modern-mcp` one
 * of revision 2026-07-28, without sessions.
 */
export const stubAnswer = (request: StubRequest): string => {
  if (request.method === 'DELETE') return bare('200 OK')
  if (request.method !== 'POST') return bare('405 Method Not Allowed\r\nAllow: POST, DELETE')
  const message = JSON.parse(request.body) as Message
  const isModern = request.path.startsWith('/modern-mcp')
  if (message.method === 'initialize') return isModern ? withoutEra(message) : initialized(message)
  if (!request.hasSession && !isModern) return withoutSession(message)
  if (message.id === undefined || message.method === undefined) return bare('202 Accepted')
  const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},${outcome(message.method)}}`
  return request.path.startsWith('/sse-mcp') ? event(answer) : json('200 OK', answer)
}

const outcome = (method: string): string => {
  if (method === 'tools/call') return `"result":${called}`
  if (method === 'tools/list') return `"result":${tools}`
  if (method === 'server/discover') return `"result":${discovered}`
  if (method === 'ping') return '"result":{}'
  return '"error":{"code":-32601,"message":"Method not found"}'
}

const initialized = ({ id, params }: Message): string => {
  const result = JSON.stringify({
    protocolVersion: params?.protocolVersion ?? '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'stub', version: '1.0.0' },
  })
  const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
  return json(`200 OK\r\nMcp-Session-Id: ${randomUUID()}`, answer)
}

const withoutEra = ({ id }: Message): string => {
  const data = '"data":{"supported":["2026-07-28"]}'
  const error = `"error":{"code":-32022,"message":"Unsupported protocol version",${data}}`
  return json('400 Bad Request', `{"jsonrpc":"2.0","id":${JSON.stringify(id ?? null)},${error}}`)
}

const withoutSession = ({ id }: Message): string => {
  const error = '"error":{"code":-32000,"message":"Bad Request: Mcp-Session-Id header is required"}'
  return json('400 Bad Request', `{"jsonrpc":"2.0","id":${JSON.stringify(id ?? null)},${error}}`)
}

const json = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Events leave chunked, as from a server that does not know yet whether more will follow. */
const event = (data: string): string => {
  const frame = `event: message\ndata: ${data}\n\n`
  const size = Buffer.byteLength(frame).toString(16)
  return `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${frame}\r\n0\r\n\r\n`
}

const bare = (status: string): string => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`
