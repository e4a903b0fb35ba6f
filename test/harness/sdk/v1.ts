import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { clientInfo, elicited, roots, sampled } from './client.js'
import type { Heard, SdkClient } from './client.js'
import { hearReports } from './reports.js'

const capabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  tasks: { requests: { sampling: { createMessage: {} }, elicitation: { create: {} } } },
}

/** connectV1 connects the client of @modelcontextprotocol/sdk; `end` closes what the transport leaves open. */
export const connectV1 = async (
  transport: Transport,
  end: () => Promise<void> = () => Promise.resolve(),
): Promise<SdkClient> => {
  const client = new Client(clientInfo, { capabilities, taskStore: new InMemoryTaskStore() })
  const heard: Heard = { notifications: [], requests: [] }
  client.fallbackNotificationHandler = (notification) => {
    heard.notifications.push(notification)
    return Promise.resolve()
  }
  type Extra = Parameters<Parameters<typeof client.setRequestHandler>[1]>[1]
  /** A request that came as a task is answered as one, done at once. */
  const answered = async <T extends Record<string, unknown>>(
    request: Asked,
    extra: Extra,
    result: T,
  ) => {
    heard.requests.push(request)
    const ttl = request.params.task?.ttl
    if (!request.params.task || !extra.taskStore) return result
    const task = await extra.taskStore.createTask({ ttl: ttl ?? null, pollInterval: 100 })
    await extra.taskStore.storeTaskResult(task.taskId, 'completed', result)
    return { task }
  }
  client.setRequestHandler(CreateMessageRequestSchema, (request, extra) =>
    answered(request, extra, sampled),
  )
  client.setRequestHandler(ElicitRequestSchema, (request, extra) =>
    answered(request, extra, elicited(request.params)),
  )
  client.setRequestHandler(ListRootsRequestSchema, (request) => {
    heard.requests.push(request)
    return roots
  })
  await client.connect(transport)
  const reports = hearReports(transport)
  return {
    sdk: 'v1',
    era: 'legacy',
    heard,
    session: () => transport.sessionId ?? '',
    serverInfo: () => [
      client.getServerVersion(),
      client.getServerCapabilities(),
      client.getInstructions(),
    ],
    listTools: () => client.listTools(),
    callTool(call, { onProgress, signal } = {}) {
      if (onProgress) reports.expect(onProgress)
      return client.callTool(call, undefined, {
        ...(onProgress && { onprogress: () => undefined }),
        ...(signal && { signal }),
      })
    },
    async runTask(call) {
      for await (const message of client.experimental.tasks.callToolStream(call)) {
        if (message.type === 'result') return message.result
        if (message.type === 'error') throw message.error
      }
      throw new Error(`the task of ${call.name} ended without a result`)
    },
    listPrompts: () => client.listPrompts(),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    listResources: () => client.listResources(),
    listResourceTemplates: () => client.listResourceTemplates(),
    readResource: (uri) => client.readResource({ uri }),
    watchLists: () => Promise.resolve(),
    subscribe: (uri) => client.subscribeResource({ uri }),
    unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    complete: (prompt, name, value) =>
      client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument: { name, value } }),
    setLevel: (level) => client.setLoggingLevel(level),
    async close() {
      await end()
      await client.close()
    },
  }
}

interface Asked {
  readonly params: { readonly task?: { readonly ttl?: number | undefined } | undefined }
}
