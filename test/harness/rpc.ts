/** request is a JSON-RPC request as text. */
export const request = (id: unknown, method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, ...(params && { params }) })

export const notification = (method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) })

export const response = (id: unknown, result: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result })

/** ownId is the id that a server gave what it asks: its client knows it with a mark of the session that asked. */
export const ownId = (id: string): unknown => JSON.parse(id.split('~').slice(2).join('~'))

/** toolCall is a `tools/call` request. */
export const toolCall = (id: unknown, name: string, args: object = {}): string =>
  request(id, 'tools/call', { name, arguments: args })

export const initialize = (id: unknown = 'initialize', capabilities: object = {}): string =>
  request(id, 'initialize', {
    protocolVersion: '2025-06-18',
    capabilities,
    clientInfo: { name: 'proof', version: '1' },
  })

export const initialized = notification('notifications/initialized')

/** textOf is the first text of a tool's result. */
export const textOf = (answer: string): string => {
  const { result } = JSON.parse(answer) as { result?: { content?: { text?: string }[] } }
  const text = result?.content?.[0]?.text
  if (text === undefined) throw new Error(`no text in ${answer.slice(0, 500)}`)
  return text
}
