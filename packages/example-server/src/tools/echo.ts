import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** echo is the smallest tool there is: copy this file to begin your own. */
export const echo = (server: McpServer): void => {
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Answers with the text it was given',
      inputSchema: { text: z.string().describe('what to answer with') },
      // Says that a call changes nothing, so that a client or a router may repeat it.
      annotations: { readOnlyHint: true },
    },
    ({ text }) => ({ content: [{ type: 'text', text }] }),
  )
}
