import type { ServerEntry } from '../../harness/backends.js'

// A stdio MCP server whose one tool works for a while and does not say that it may run twice: were the process ended under a call, the client
// would get "outcome unknown".
const script = `
  const send = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  const tools = [{ name: 'work', inputSchema: { type: 'object' } }]
  const answer = ({ id, method, params }) => {
    if (id === undefined) return
    if (method === 'initialize') {
      const serverInfo = { name: 'worker', version: '1' }
      return send(id, { protocolVersion: params.protocolVersion, serverInfo, capabilities: { tools: {} } })
    }
    if (method === 'tools/list') return send(id, { tools })
    if (method !== 'tools/call') return send(id, {})
    setTimeout(() => send(id, { content: [{ type: 'text', text: 'done' }] }), params.arguments.ms)
  }
  const lines = require('node:readline').createInterface({ input: process.stdin })
  lines.on('line', (line) => answer(JSON.parse(line)))
  lines.on('close', () => process.exit())`

export const workerEntry: ServerEntry = { command: process.execPath, args: ['-e', script] }
