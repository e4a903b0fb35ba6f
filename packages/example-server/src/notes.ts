import { ResourceTemplate, type McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  ErrorCode,
  McpError,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

const uriOf = (name: string): string => `note://${name}`

/**
 * notes is state that a session keeps: the tool `write_note` writes, the resources `note://<name>`
 * read, and clients that subscribed hear of changes. It shows that a session stays with the process
 * that holds it.
 */
export const notes = (server: McpServer): void => {
  const texts = new Map([['welcome', 'Write more of these with the tool write_note.']])
  const subscribed = new Set<string>()

  server.registerResource(
    'note',
    new ResourceTemplate('note://{name}', {
      list: () => ({
        resources: [...texts.keys()].map((name) => ({ uri: uriOf(name), name })),
      }),
      complete: { name: (start) => [...texts.keys()].filter((name) => name.startsWith(start)) },
    }),
    { title: 'Note', description: 'A note of this session', mimeType: 'text/plain' },
    (uri, { name }) => {
      const text = texts.get(String(name))
      if (text === undefined)
        throw new McpError(ErrorCode.InvalidParams, `There is no note ${uri.href}`)
      return { contents: [{ uri: uri.href, mimeType: 'text/plain', text }] }
    },
  )

  server.registerTool(
    'write_note',
    {
      title: 'Write a note',
      description: 'Writes a note, which is then a resource of this session',
      inputSchema: { name: z.string().regex(/^[a-z0-9-]+$/), text: z.string() },
      annotations: { idempotentHint: true },
    },
    async ({ name, text }, { sendNotification }) => {
      const isNew = !texts.has(name)
      texts.set(name, text)
      const uri = uriOf(name)
      if (isNew) await sendNotification({ method: 'notifications/resources/list_changed' })
      if (subscribed.has(uri))
        await sendNotification({ method: 'notifications/resources/updated', params: { uri } })
      return { content: [{ type: 'text', text: `wrote ${uri}` }] }
    },
  )

  server.server.registerCapabilities({ resources: { subscribe: true, listChanged: true } })
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscribed.delete(params.uri)
    return {}
  })
}
