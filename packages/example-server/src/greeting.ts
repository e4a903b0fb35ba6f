import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

const tones = ['cheerful', 'formal', 'friendly', 'short']

/** greeting is a prompt whose argument clients can complete while it is typed. */
export const greeting = (server: McpServer): void => {
  const tone = completable(z.string().describe('how it should sound'), (start) =>
    tones.filter((each) => each.startsWith(start)),
  )
  server.registerPrompt(
    'greeting',
    {
      title: 'Greeting',
      description: 'Asks the model for a greeting',
      argsSchema: { name: z.string(), tone },
    },
    (values) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'text', text: `Greet ${values.name} in a ${values.tone} way.` },
        },
      ],
    }),
  )
}
