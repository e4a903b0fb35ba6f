import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'

/**
 * slow takes its time and reports progress to a client that asked for it; it stops when the client
 * cancels.
 */
export const slow = (server: McpServer): void => {
  server.registerTool(
    'slow',
    {
      title: 'Slow',
      description: 'Works for some seconds and reports its progress',
      inputSchema: {
        seconds: z.number().min(0).max(3600).default(5),
        steps: z.number().int().min(1).max(1000).default(5),
      },
      annotations: { readOnlyHint: true },
    },
    async ({ seconds, steps }, { signal, sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken
      for (let step = 1; step <= steps; step++) {
        await wait((seconds * 1000) / steps, undefined, { signal })
        if (progressToken === undefined) continue
        const params = { progressToken, progress: step, total: steps }
        await sendNotification({ method: 'notifications/progress', params })
      }
      return { content: [{ type: 'text', text: `worked for ${seconds} s in ${steps} steps` }] }
    },
  )
}
