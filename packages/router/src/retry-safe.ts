import { setTimeout as wait } from 'node:timers/promises'
import type { Backend } from '@mcp-router/core'
import { toolNameOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { ToolList } from '@mcp-router/upstream'
import { askPooled } from './bridge/ask-pooled.js'
import type { Context } from './downstream/context.js'

type Json = Readonly<Record<string, unknown>>

/** Requests that change nothing, or the same again. */
const methods: ReadonlySet<string> = new Set([
  'ping',
  'initialize',
  'server/discover',
  'subscriptions/listen',
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
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
])

/** isRetrySafe tells that a message may be executed twice: a read, or a call of a tool that says so of itself (annotations). */
export const isRetrySafe = async (
  context: Context,
  backend: Backend,
  message: Message,
): Promise<boolean> => {
  const known = isKnownRetrySafe(context, backend, message)
  if (known !== undefined) return known
  const tools = await context.deps.catalog.tools(backend.name, (cursor) =>
    askAny(context, backend, cursor === undefined ? {} : { cursor }),
  )
  return isSafeIn(tools, message)
}

/** A server that has just gone may be back in a moment; a call that nobody knows to be safe is not repeated. */
const rounds = 3
const pauseMs = 300

/** askAny lists the tools of the first Endpoint that answers. */
const askAny = async (context: Context, backend: Backend, params: object): Promise<Json> => {
  let failure: unknown = new Error('there is no endpoint')
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await wait(pauseMs)
    for (const endpoint of backend.endpoints) {
      try {
        return await askPooled(context, { backend, endpoint }, 'tools/list', { ...params })
      } catch (error) {
        failure = error
      }
    }
  }
  throw failure
}

/** isKnownRetrySafe says so at once where that can be said without asking the server for its tools. */
export const isKnownRetrySafe = (
  { deps }: Context,
  backend: Backend,
  message: Message,
): boolean | undefined => {
  if (message.kind !== 'request') return false
  if (methods.has(message.method) || backend.retry === 'always') return true
  if (message.method !== 'tools/call') return false
  const tools = deps.catalog.known(backend.name)
  return tools && isSafeIn(tools, message)
}

const isSafeIn = (tools: ToolList, message: Message): boolean => {
  const name = toolNameOf(message)
  return name !== undefined && tools.find(name)?.isRetrySafe === true
}
