import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'

/** listRoots asks which folders the client lets this server work in. */
export const listRoots = (server: McpServer): void => {
  server.registerTool(
    'list_roots',
    { title: 'List roots', description: 'Lists the roots that the client offers' },
    async ({ requestId }) => {
      if (!server.server.getClientCapabilities()?.roots)
        return { isError: true, content: [{ type: 'text', text: 'The client has no roots' }] }
      const { roots } = await server.server.listRoots({}, { relatedRequestId: requestId })
      const text = roots.map(({ uri, name }) => (name ? `${name}: ${uri}` : uri)).join('\n')
      return { content: [{ type: 'text', text: text || 'no roots' }] }
    },
  )
}
