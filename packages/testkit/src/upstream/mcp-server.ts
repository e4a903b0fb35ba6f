import { answerJson, openServer } from './http-server.js'
import type { Asked } from './http-server.js'

/** openMcpServer opens a session at every initialize, `s-1`, `s-2` …, and leaves the rest to the test; it knows a session until told. */
export const openMcpServer = async (answer: (asked: Asked) => void) => {
  const known = new Set<string>()
  let opened = 0
  const server = await openServer((asked) => {
    const { message, headers } = asked
    if (message?.method === 'initialize') {
      const id = `s-${++opened}`
      known.add(id)
      const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: id } }
      const head = { headers: { 'mcp-session-id': id } }
      answerJson(asked, { jsonrpc: '2.0', id: message.id, result }, head)
      return
    }
    if (!known.has(String(headers['mcp-session-id']))) {
      asked.res.writeHead(404).end()
      return
    }
    if (message?.id === undefined) asked.res.writeHead(202).end()
    else answer(asked)
  })
  const methods = (): (string | undefined)[] => server.asked.map(({ message }) => message?.method)
  return { ...server, methods, forget: () => known.clear() }
}

/** echo answers with the params that it was asked with. */
export const echo = (asked: Asked): void =>
  answerJson(asked, { jsonrpc: '2.0', id: asked.message?.id, result: asked.message?.params })
