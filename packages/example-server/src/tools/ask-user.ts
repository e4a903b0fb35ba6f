import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** askUser elicits: the server asks the person at the client, in the middle of a call. */
export const askUser = (server: McpServer): void => {
  server.registerTool(
    'ask_user',
    {
      title: 'Ask the user',
      description: 'Asks the person at the client a question and answers with what was said',
      inputSchema: { question: z.string().default('What is your name?') },
    },
    async ({ question }, { requestId }) => {
      if (!server.server.getClientCapabilities()?.elicitation)
        return { isError: true, content: [{ type: 'text', text: 'The client cannot elicit' }] }
      const { action, content } = await server.server.elicitInput(
        {
          mode: 'form',
          message: question,
          requestedSchema: {
            type: 'object',
            properties: { answer: { type: 'string', title: 'Answer' } },
            required: ['answer'],
          },
        },
        // The question travels on the stream of this call, not on the one that a client may not
        // have opened.
        { relatedRequestId: requestId },
      )
      const text = action === 'accept' ? `accepted: ${String(content?.['answer'])}` : action
      return { content: [{ type: 'text', text }] }
    },
  )
}
