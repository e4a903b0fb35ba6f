import type { Backend } from '@mcp-router/core'
import { paramsOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { askPooled } from './bridge/pooled-call.js'
import type { Context } from './downstream/context.js'

/** Requests that change nothing, or the same again. */
const methods: ReadonlySet<string> = new Set([
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
])

/** isRetrySafe tells that a message may be executed twice: a read, a notification, or a tool that says so of itself (annotations). */
export const isRetrySafe = async (
  context: Context,
  backend: Backend,
  message: Message,
): Promise<boolean> => {
  if (message.kind !== 'request') return false
  if (methods.has(message.method)) return true
  if (message.method !== 'tools/call') return false
  const [endpoint] = backend.endpoints
  if (!endpoint) return false
  const tools = await context.deps.catalog.tools(backend.name, (cursor) =>
    askPooled(context, { backend, endpoint }, 'tools/list', cursor === undefined ? {} : { cursor }),
  )
  return tools.find(String(paramsOf(message)?.['name']))?.isRetrySafe ?? false
}
