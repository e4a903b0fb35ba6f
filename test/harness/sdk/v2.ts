import { Client, LOG_LEVEL_META_KEY } from '@modelcontextprotocol/client'
import type { LoggingLevel, McpSubscription, Transport } from '@modelcontextprotocol/client'
import { clientInfo, elicited, roots, sampled } from './client.js'
import type { Heard, SdkClient } from './client.js'
import { hearReports } from './reports.js'
import type { Reports } from './reports.js'

const capabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

/** What a client does in another way without a session. */
type EraPart = Pick<
  SdkClient,
  'era' | 'session' | 'watchLists' | 'subscribe' | 'unsubscribe' | 'setLevel'
>

/** connectV2 connects the client of @modelcontextprotocol/client, which speaks the legacy era by default. */
export const connectV2 = async (
  transport: Transport,
  end: () => Promise<void> = () => Promise.resolve(),
): Promise<SdkClient> => {
  const client = new Client(clientInfo, { capabilities })
  const heard = answering(client)
  await client.connect(transport)
  return {
    ...clientOf(client, heard, hearReports(transport), () => ({})),
    era: 'legacy',
    session: () => transport.sessionId ?? '',
    watchLists: () => Promise.resolve(),
    subscribe: (uri) => client.subscribeResource({ uri }),
    unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    setLevel: (level) => client.setLoggingLevel(level),
    async close() {
      await end()
      await client.close()
    },
  }
}

/** connectModernV2 connects the same client in revision 2026-07-28 and no other. */
export const connectModernV2 = async (transport: Transport): Promise<SdkClient> => {
  const versionNegotiation = { mode: { pin: '2026-07-28' } } as const
  const client = new Client(clientInfo, { capabilities, versionNegotiation })
  const heard = answering(client)
  await client.connect(transport)
  const subscriptions = new Map<string, McpSubscription>()
  let level: LoggingLevel | undefined
  return {
    ...clientOf(client, heard, hearReports(transport), () => ({
      ...(level !== undefined && { [LOG_LEVEL_META_KEY]: level }),
    })),
    era: 'modern',
    session: () => '',
    watchLists: () =>
      client.listen({
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
      }),
    async subscribe(uri) {
      subscriptions.set(uri, await client.listen({ resourceSubscriptions: [uri] }))
    },
    unsubscribe: (uri) => subscriptions.get(uri)?.close() ?? Promise.resolve(),
    setLevel(wanted) {
      level = wanted
      return Promise.resolve()
    },
    close: () => client.close(),
  }
}

/** answering notes what a client is told and asked, and answers what it is asked. */
const answering = (client: Client): Heard => {
  const heard: Heard = { notifications: [], requests: [] }
  client.fallbackNotificationHandler = (notification) => {
    heard.notifications.push(notification)
    return Promise.resolve()
  }
  client.setRequestHandler('sampling/createMessage', (request) => {
    heard.requests.push(request)
    return sampled
  })
  client.setRequestHandler('elicitation/create', (request) => {
    heard.requests.push(request)
    return elicited(request.params)
  })
  client.setRequestHandler('roots/list', (request) => {
    heard.requests.push(request)
    return roots
  })
  return heard
}

/** clientOf is what is the same in both eras; `meta` goes along with every call of a tool. */
const clientOf = (
  client: Client,
  heard: Heard,
  reports: Reports,
  meta: () => Record<string, unknown>,
): Omit<SdkClient, keyof EraPart | 'close'> => ({
  sdk: 'v2',
  heard,
  serverInfo: () => [
    client.getServerVersion(),
    client.getServerCapabilities(),
    client.getInstructions(),
  ],
  listTools: () => client.listTools(),
  callTool: (call, { onProgress, signal } = {}) => {
    const _meta = meta()
    if (onProgress) reports.expect(onProgress)
    return client.callTool(Object.keys(_meta).length > 0 ? { ...call, _meta } : call, {
      ...(onProgress && { onprogress: () => undefined }),
      ...(signal && { signal }),
    })
  },
  runTask: undefined,
  listPrompts: () => client.listPrompts(),
  getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
  listResources: () => client.listResources(),
  listResourceTemplates: () => client.listResourceTemplates(),
  readResource: (uri) => client.readResource({ uri }),
  complete: (prompt, name, value) =>
    client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument: { name, value } }),
})
