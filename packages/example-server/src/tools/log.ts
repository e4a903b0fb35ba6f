import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  LoggingLevelSchema,
  SetLevelRequestSchema,
  type LoggingLevel,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { serverName } from '../server-name.js'

const levels: readonly LoggingLevel[] = LoggingLevelSchema.options

/**
 * log sends one log message to the client, unless it is below the level that the client set for its
 * session.
 */
export const log = (server: McpServer): void => {
  let least: LoggingLevel = 'debug'
  server.server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    least = params.level
    return {}
  })
  server.registerTool(
    'log',
    {
      title: 'Log',
      description: 'Sends a log message to the client',
      inputSchema: { message: z.string(), level: LoggingLevelSchema.default('info') },
    },
    async ({ message, level }, { sendNotification }) => {
      const isSent = levels.indexOf(level) >= levels.indexOf(least)
      const params = { level, logger: serverName, data: message }
      if (isSent) await sendNotification({ method: 'notifications/message', params })
      const text = isSent ? `sent at ${level}` : `${level} is below ${least}, nothing was sent`
      return { content: [{ type: 'text', text }] }
    },
  )
}
