import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** summarize samples: the server has no model of its own and borrows the client's. */
export const summarize = (server: McpServer): void => {
  server.registerTool(
    'summarize',
    {
      title: 'Summarize',
      description: "Summarizes a text with the client's model",
      inputSchema: { text: z.string(), maxTokens: z.number().int().min(1).default(100) },
    },
    async ({ text, maxTokens }, { requestId }) => {
      if (!server.server.getClientCapabilities()?.sampling)
        return { isError: true, content: [{ type: 'text', text: 'The client cannot sample' }] }
      const prompt = `Summarize in one sentence:\n\n${text}`
      const { content } = await server.server.createMessage(
        { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
        { relatedRequestId: requestId },
      )
      const summary = content.type === 'text' ? content.text : `(${content.type})`
      return { content: [{ type: 'text', text: summary }] }
    },
  )
}
