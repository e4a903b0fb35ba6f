import type { OutgoingHttpHeaders } from 'node:http'
import { post } from './http.js'
import type { Answer } from './http.js'

/** What a modern client tells of itself with every request. */
export const modernCapabilities = { sampling: {}, elicitation: { form: {} }, roots: {} }

/** modernRequest is a request of revision 2026-07-28 with its envelope. */
export const modernRequest = (
  id: string | number,
  method: string,
  params: object = {},
  capabilities: object = modernCapabilities,
): object => ({
  jsonrpc: '2.0',
  id,
  method,
  params: {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      'io.modelcontextprotocol/clientInfo': { name: 'proof', version: '1' },
    },
  },
})

/** modernHeaders are those that repeat what a request says. */
export const modernHeaders = (method: string, name?: string): OutgoingHttpHeaders => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
})

/** ModernToolCall is what a tool is called with, and in a later round the answers. */
export interface ModernToolCall {
  readonly name: string
  readonly arguments?: object
  readonly inputResponses?: object
  readonly requestState?: string
}

/** modernToolCall posts a call of a tool, with the headers that belong to it, and resolves with the whole answer. */
export const modernToolCall = (
  url: string,
  call: ModernToolCall,
  { id = 1, capabilities }: { readonly id?: string | number; readonly capabilities?: object } = {},
): Promise<Answer> =>
  post(
    url,
    modernRequest(id, 'tools/call', { arguments: {}, ...call }, capabilities),
    modernHeaders('tools/call', call.name),
  )

/** ModernResponse is the last message of an answer. */
export interface ModernResponse {
  readonly id?: unknown
  readonly result?: {
    readonly resultType?: string
    readonly content?: readonly { readonly text?: string }[]
    readonly inputRequests?: Readonly<
      Record<string, { readonly method: string; readonly params: object }>
    >
    readonly requestState?: string
  }
  readonly error?: { readonly code: number; readonly message: string }
}

/** modernResponse is what a call came to: a result, or an error. */
export const modernResponse = (answer: Answer): ModernResponse => {
  const last = answer.messages().at(-1)
  if (last === undefined || last === '') throw new Error(`no response in ${answer.status}`)
  return JSON.parse(last) as ModernResponse
}
