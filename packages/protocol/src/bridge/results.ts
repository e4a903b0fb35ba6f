import { isRecord, metaKeys } from '../modern/envelope.js'
import { scanParamHeaders } from '../modern/param-scan.js'
import { legacyContent } from './content.js'
import { without } from './json.js'
import type { Json } from './json.js'
import { foreignMeta, metaOf, withMeta } from './meta.js'
import type { Cache } from './opening.js'
import { wrappedSchema, wrapsOutput } from './output-schema.js'

/**
 * modernResult is a legacy server's result for a modern client. The router answers for what that era adds: `cache` where results can be
 * kept, `serverInfo` where the server said who it is.
 */
export const modernResult = (
  method: string,
  result: Json,
  { ttlMs, cacheScope }: Cache,
  serverInfo: Json | undefined,
): Json => {
  const told = serverInfo ? { [metaKeys.serverInfo]: serverInfo } : {}
  const meta = serverInfo ? { ...metaOf(result), ...told } : metaOf(result)
  return {
    resultType: 'complete',
    ...withMeta(without(modernBody(method, result), ['resultType']), meta),
    ...(cacheable.has(method) && { ttlMs, cacheScope }),
  }
}

/** legacyResult is a modern server's complete result for a legacy client. `wraps`: wrapsOutput is true of the tool that was called. */
export const legacyResult = (
  method: string,
  result: Json,
  to: { readonly revision: string; readonly wraps?: boolean },
): Json => {
  const rest = withMeta(without(result, ['resultType', 'ttlMs', 'cacheScope']), foreignMeta(result))
  switch (method) {
    case 'tools/list':
      return withTools(rest, (tools) => tools.filter(isCallable).map(legacyTool))
    case 'tools/call':
      return legacyOutput(withContent(rest, to.revision), to.wraps ?? false)
    case 'prompts/get':
      return withMessages(rest, to.revision)
    default:
      return rest
  }
}

const cacheable: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

const modernBody = (method: string, result: Json): Json => {
  switch (method) {
    case 'tools/list':
      return withTools(result, (tools) =>
        tools.filter((tool) => taskSupportOf(tool) !== 'required').map(withoutTaskSupport),
      )
    case 'tools/call':
      return result.content === undefined ? { ...result, content: [] } : result
    default:
      return result
  }
}

const withTools = (result: Json, change: (tools: readonly unknown[]) => unknown): Json => {
  const tools: unknown = result.tools
  return Array.isArray(tools) ? { ...result, tools: change(tools) } : result
}

const taskSupportOf = (tool: unknown): unknown =>
  isRecord(tool) && isRecord(tool.execution) ? tool.execution.taskSupport : undefined

const withoutTaskSupport = (tool: unknown): unknown => {
  if (!isRecord(tool) || !isRecord(tool.execution)) return tool
  const execution = without(tool.execution, ['taskSupport'])
  return Object.keys(execution).length > 0 ? { ...tool, execution } : without(tool, ['execution'])
}

/** The router is the tool's HTTP client, and such a one must leave out what declares its headers badly. */
const isCallable = (tool: unknown): boolean =>
  !isRecord(tool) || scanParamHeaders(tool.inputSchema).fault === undefined

const legacyTool = (tool: unknown): unknown =>
  isRecord(tool) && isRecord(tool.outputSchema) && wrapsOutput(tool)
    ? { ...tool, outputSchema: wrappedSchema(tool.outputSchema) }
    : tool

const legacyOutput = (result: Json, wraps: boolean): Json => {
  const { structuredContent } = result
  if (structuredContent === undefined || (!wraps && isRecord(structuredContent))) return result
  return { ...result, structuredContent: { result: structuredContent } }
}

const withContent = (result: Json, revision: string): Json => {
  const content: unknown = result.content
  if (!Array.isArray(content)) return result
  return { ...result, content: content.map((block) => legacyContent(block, revision)) }
}

const withMessages = (result: Json, revision: string): Json => {
  const messages: unknown = result.messages
  if (!Array.isArray(messages)) return result
  const told = messages.map((message: unknown) =>
    isRecord(message) ? { ...message, content: legacyContent(message.content, revision) } : message,
  )
  return { ...result, messages: told }
}
