import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { hostname } from 'node:os'

/** about is a resource with a fixed address: which process answers here. */
export const about = (server: McpServer): void => {
  const startedAt = new Date().toISOString()
  server.registerResource(
    'about',
    'about://server',
    { title: 'About', description: 'Which process answers here', mimeType: 'application/json' },
    ({ href }) => {
      const text = JSON.stringify({ pid: process.pid, host: hostname(), sessionSince: startedAt })
      return { contents: [{ uri: href, mimeType: 'application/json', text }] }
    },
  )
}
